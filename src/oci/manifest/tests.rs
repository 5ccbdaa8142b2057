use super::*;
use proptest::prelude::*;
use serde_json::json;

fn digest(of: &str) -> String {
    Digest::sha256_of(of.as_bytes()).to_string()
}

fn image() -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "config": {"mediaType": media_type::OCI_CONFIG, "digest": digest("c"), "size": 10},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest("l"), "size": 20}],
    })
}

fn parse(document: &Value, content_type: &str) -> Result<Manifest, ManifestError> {
    Manifest::parse(document.to_string().as_bytes(), Some(content_type))
}

#[test]
fn an_image_manifest_is_one_whatever_the_answer_calls_it() {
    let mut unnamed = image();
    unnamed["mediaType"] = Value::Null;
    for (document, content_type) in [
        (image(), media_type::OCI_MANIFEST),
        (image(), "application/json"),
        (unnamed, "text/html; charset=utf-8"),
    ] {
        let manifest = parse(&document, content_type).expect("an image");
        assert!(matches!(manifest, Manifest::Image(_)), "{content_type}");
        assert_eq!(manifest.media_type(), media_type::OCI_MANIFEST);
    }
}

#[test]
fn the_body_makes_schema_1() {
    let document = json!({"schemaVersion": 1, "name": "a", "tag": "b", "architecture": "amd64",
        "fsLayers": [{"blobSum": digest("l")}], "history": [{"v1Compatibility": "{}"}],
        "signatures": [{"header": {}}]});
    for content_type in [
        media_type::SCHEMA1_SIGNED,
        media_type::OCI_MANIFEST,
        "text/plain",
    ] {
        let manifest = parse(&document, content_type).expect("schema 1");
        assert_eq!(
            manifest,
            Manifest::Schema1(Schema1 {
                signed: true,
                architecture: Some("amd64".to_owned()),
                layers: vec![digest("l")],
            })
        );
    }
}

#[test]
fn a_modern_manifest_called_text_plain_is_no_schema_1() {
    let manifest = parse(&image(), media_type::SCHEMA1_QUIRK).expect("an image");
    assert_eq!(manifest.kind(), "image");
}

#[test]
fn an_index_keeps_its_order_and_tells_attestations_apart() {
    let entry = |name: &str, platform: Value| json!({"mediaType": media_type::OCI_MANIFEST, "digest": digest(name), "size": 1, "platform": platform});
    let document = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": [
        entry("a", json!({"os": "linux", "architecture": "amd64"})),
        entry("b", json!({"os": "unknown", "architecture": "unknown"})),
        entry("c", Value::Null),
    ]});
    let Ok(Manifest::Index(index)) = parse(&document, media_type::OCI_INDEX) else {
        panic!("an index");
    };
    let platforms: Vec<Option<String>> = index
        .images()
        .map(|entry| entry.platform.as_ref().map(ToString::to_string))
        .collect();
    assert_eq!(platforms, [Some("linux/amd64".to_owned()), None]);
}

#[test]
fn a_mixture_of_manifest_and_index_is_refused_in_containerds_words() {
    let mut both = image();
    both["manifests"] = json!([{"digest": digest("a"), "size": 1}]);
    assert_eq!(
        parse(&both, media_type::OCI_MANIFEST)
            .expect_err("ambiguous")
            .to_string(),
        "media-type: expected manifest but found index"
    );
    both["mediaType"] = Value::Null;
    assert!(parse(&both, "application/json").is_err());
    assert_eq!(
        parse(&image(), media_type::OCI_INDEX)
            .expect_err("ambiguous")
            .to_string(),
        "media-type: expected index but found manifest"
    );
}

#[test]
fn what_is_no_runnable_image_is_an_artifact_with_a_name() {
    let mut chart = image();
    chart["config"]["mediaType"] = json!(media_type::HELM_CONFIG);
    let mut signature = image();
    signature["layers"][0]["mediaType"] = json!("application/vnd.dev.cosign.simplesigning.v1+json");
    signature["artifactType"] = json!("application/vnd.dev.cosign.artifact.sig.v1+json");
    let mut attestation = image();
    attestation["layers"][0]["mediaType"] = json!("application/vnd.in-toto+json");
    let mut empty = image();
    empty["config"]["mediaType"] = json!(media_type::EMPTY);
    empty["layers"][0]["mediaType"] = json!("text/spdx+json");
    let mut old_signature = image();
    old_signature["layers"][0]["mediaType"] =
        json!("application/vnd.dev.cosign.simplesigning.v1+json");
    for (document, kind) in [
        (old_signature, "a cosign signature"),
        (chart, "a Helm chart"),
        (signature, "a cosign signature"),
        (attestation, "an attestation"),
        (empty, "an SBOM"),
    ] {
        let Ok(Manifest::Artifact(artifact)) = parse(&document, media_type::OCI_MANIFEST) else {
            panic!("{kind}");
        };
        assert_eq!(artifact.kind(), kind);
    }
}

#[test]
fn fields_that_lie_are_named() {
    let mut negative = image();
    negative["layers"][0]["size"] = json!(-1);
    let mut path = image();
    path["config"]["digest"] = json!("../../etc/passwd");
    for (document, field) in [(negative, "layers[0].size"), (path, "config.digest")] {
        let error = parse(&document, media_type::OCI_MANIFEST).expect_err(field);
        assert!(error.to_string().contains(field), "{error}");
    }
}

#[test]
fn what_is_no_manifest_says_so() {
    for body in [
        "",
        "<html></html>",
        "[]",
        "{}",
        "{\"schemaVersion\":2}",
        "\"x\"",
    ] {
        assert!(Manifest::parse(body.as_bytes(), None).is_err(), "{body}");
    }
    assert_eq!(
        Manifest::parse(&vec![b' '; MAX_MANIFEST_BYTES + 1], None),
        Err(ManifestError::TooLarge)
    );
}

#[test]
fn the_compressed_size_is_that_of_the_layers() {
    let Ok(Manifest::Image(manifest)) = parse(&image(), media_type::OCI_MANIFEST) else {
        panic!("an image");
    };
    assert_eq!(manifest.compressed_bytes(), Bytes(20));
}

proptest! {
    #[test]
    fn any_body_is_read_without_a_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Manifest::parse(&body, None);
    }
}
