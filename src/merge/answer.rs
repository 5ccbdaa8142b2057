//! From what a report says about an image back to the registry's answer, as far as reports tell it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::document::{Image, Layer, Platform as PlatformEntry};
use crate::facts::{
    Answer, BlobPart, Content, Failure, FailureReason, FaultyBlob, Found, Identity, LayerContent,
    LayerSummary, Lookup, Missing, PlatformImage, Refusal, RefusalReason,
};
use crate::oci::{
    Artifact, Bytes, Config, Descriptor, Digest, HistoryEntry, ImageManifest, Index, Manifest,
    Platform, Schema1,
};

/// The answer about an image; no answer where nothing was asked.
///
/// # Errors
///
/// The words of the report that make no sense.
pub(super) fn lookup(image: &Image) -> Result<Option<Lookup>, String> {
    if let Some(digest) = &image.digest {
        return found(image, digest).map(|found| Some(Answer::Found(found)));
    }
    let reason = image.reason.as_deref().unwrap_or_default();
    match image.status.as_str() {
        "unchecked" => Ok(None),
        "refused" => Ok(Some(Answer::Refused(Refusal {
            identity: identity(image),
            ..refusal(reason)?
        }))),
        "undetermined" => Ok(Some(Answer::Undetermined(failure(reason)?))),
        other => Err(other.to_owned()),
    }
}

/// Who asked. A layout is asked by nobody.
fn identity(image: &Image) -> Identity {
    match image
        .identity
        .as_deref()
        .and_then(|text| text.split_once(':'))
    {
        Some(("credential", origin)) => Identity::Credential {
            origin: origin.to_owned(),
        },
        Some(("pull-secret", secret)) => Identity::PullSecret {
            secret: secret.to_owned(),
        },
        _ if image.identity.is_none() => Identity::Layout,
        _ => Identity::Anonymous,
    }
}

fn found(image: &Image, digest: &str) -> Result<Found, String> {
    let media_type = image.media_type.clone().unwrap_or_default();
    Ok(Found {
        identity: identity(image),
        digest: self::digest(digest)?,
        content_type: String::new(),
        manifest: manifest(image.kind.as_deref(), media_type, digest)?,
        images: image
            .platforms
            .iter()
            .map(platform_image)
            .collect::<Result<_, _>>()?,
        tag_digest: None,
        older_tag: None,
    })
}

fn manifest(kind: Option<&str>, media_type: String, digest: &str) -> Result<Manifest, String> {
    match kind {
        Some("image") => image_manifest(media_type, digest, Vec::new()),
        Some("index") => Ok(Manifest::Index(Index {
            media_type,
            entries: Vec::new(),
            annotations: BTreeMap::new(),
        })),
        Some("schema1") => Ok(Manifest::Schema1(Schema1 {
            signed: media_type.contains("prettyjws"),
            architecture: None,
            layers: Vec::new(),
        })),
        Some("artifact") => Ok(Manifest::Artifact(Artifact {
            media_type,
            artifact_type: String::new(),
            size: Bytes(0),
        })),
        other => Err(other.unwrap_or("null").to_owned()),
    }
}

/// Reports do not name the config, and nothing in them depends on it.
fn image_manifest(
    media_type: String,
    config: &str,
    layers: Vec<Descriptor>,
) -> Result<Manifest, String> {
    Ok(Manifest::Image(ImageManifest {
        media_type,
        config: descriptor(config, String::new(), 0)?,
        layers,
        annotations: BTreeMap::new(),
    }))
}

fn platform_image(entry: &PlatformEntry) -> Result<PlatformImage, String> {
    let failure = entry.reason.as_deref().map(failure).transpose()?;
    let (manifest, config) = match (&entry.layers, failure) {
        (None, failure) => (failure.map(Answer::Undetermined), None),
        (Some(layers), failure) => {
            let config = match failure {
                Some(failure) => Answer::Undetermined(failure),
                None => Answer::Found(config(entry, layers)?),
            };
            let layers = layers.iter().map(layer).collect::<Result<_, _>>()?;
            let manifest = image_manifest(String::new(), &entry.digest, layers)?;
            (Some(Answer::Found(manifest)), Some(config))
        }
    };
    Ok(PlatformImage {
        declared: entry.declared.as_deref().map(platform).transpose()?,
        digest: digest(&entry.digest)?,
        manifest,
        config,
        faulty_blobs: faulty_blobs(entry)?,
        content: entry.unpacked_bytes.map(unpacked),
    })
}

/// Reports say how much the layers hold together, and not what.
fn unpacked(bytes: u64) -> Arc<Content> {
    let summary = LayerSummary {
        unpacked: Bytes(bytes),
        ..LayerSummary::default()
    };
    Arc::new(Content {
        layers: vec![LayerContent::Read(summary)],
        files: None,
    })
}

/// Reports do not name the part that is not as declared, only that there is one.
fn faulty_blobs(entry: &PlatformEntry) -> Result<Vec<FaultyBlob>, String> {
    if !entry.incomplete {
        return Ok(Vec::new());
    }
    Ok(vec![FaultyBlob {
        part: BlobPart::Config,
        descriptor: descriptor(&entry.digest, String::new(), 0)?,
        size: Answer::Found(Bytes(0)),
    }])
}

fn layer(layer: &Layer) -> Result<Descriptor, String> {
    descriptor(&layer.digest, layer.media_type.clone(), layer.bytes)
}

fn config(entry: &PlatformEntry, layers: &[Layer]) -> Result<Config, String> {
    let instructions: Option<Vec<&String>> = layers
        .iter()
        .map(|layer| layer.created_by.as_ref())
        .collect();
    let mut history: Vec<HistoryEntry> = instructions
        .into_iter()
        .flatten()
        .map(|instruction| HistoryEntry {
            created_by: Some(instruction.clone()),
            ..HistoryEntry::default()
        })
        .collect();
    if let Some(base) = entry.base_layers.filter(|base| *base <= history.len()) {
        history.insert(base, end_of_base(entry.base_layers_by.as_deref()));
    }
    Ok(Config {
        platform: entry.actual.as_deref().map(platform).transpose()?,
        history,
        ..Config::default()
    })
}

/// What a history says where the base image ends: buildah's mark, or what is taken for its end.
fn end_of_base(by: Option<&str>) -> HistoryEntry {
    let is_mark = by == Some("mark");
    HistoryEntry {
        created_by: (!is_mark).then(|| "CMD []".to_owned()),
        comment: is_mark.then(|| "FROM the base image".to_owned()),
        empty_layer: true,
        ..HistoryEntry::default()
    }
}

fn descriptor(digest: &str, media_type: String, bytes: u64) -> Result<Descriptor, String> {
    Ok(Descriptor {
        media_type,
        digest: self::digest(digest)?,
        size: Bytes(bytes),
        urls: Vec::new(),
        annotations: BTreeMap::new(),
    })
}

fn digest(text: &str) -> Result<Digest, String> {
    text.parse().map_err(|_| text.to_owned())
}

/// Reads `windows/amd64 (10.0.20348.1)` too.
pub(super) fn platform(text: &str) -> Result<Platform, String> {
    let (name, version) = match text.split_once(" (") {
        Some((name, version)) => (name, version.strip_suffix(')')),
        None => (text, None),
    };
    let mut platform: Platform = name.parse().map_err(|_| text.to_owned())?;
    platform.os_version = version.map(ToOwned::to_owned);
    Ok(platform)
}

fn refusal(word: &str) -> Result<Refusal, String> {
    let reasons = [
        RefusalReason::NotFound(Missing::Unsaid),
        RefusalReason::Unauthorized,
        RefusalReason::Forbidden,
        RefusalReason::Unsupported,
    ];
    let reason = reasons.into_iter().find(|reason| reason.as_str() == word);
    Ok(Refusal {
        reason: reason.ok_or_else(|| word.to_owned())?,
        status: None,
        message: String::new(),
        identity: Identity::Anonymous,
        by_token_service: false,
        nearest_tags: Vec::new(),
    })
}

fn failure(word: &str) -> Result<Failure, String> {
    let reasons = [
        FailureReason::RateLimited,
        FailureReason::Dns,
        FailureReason::Credentials,
        FailureReason::Connect,
        FailureReason::Tls,
        FailureReason::Timeout,
        FailureReason::ServerError,
        FailureReason::Malformed,
        FailureReason::Damaged,
    ];
    let reason = reasons.into_iter().find(|reason| reason.as_str() == word);
    Ok(Failure {
        reason: reason.ok_or_else(|| word.to_owned())?,
        detail: String::new(),
        retry_after: None,
        respondent: None,
    })
}
