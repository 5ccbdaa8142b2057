use super::*;
use tempfile::TempDir;

fn read(files: &[(&str, &str)]) -> Result<RegistriesConf, String> {
    let folder = TempDir::new().expect("a folder");
    let main = folder.path().join("registries.conf");
    fs::create_dir(folder.path().join("registries.conf.d")).expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    RegistriesConf::read(&Options {
        registries_confs: vec![main],
        ..Options::default()
    })
    .map_err(|error| error.to_string())
}

/// The ways to an image: host and repository, `?` where plain HTTP may be spoken.
fn ways(conf: &RegistriesConf, image: &str) -> Vec<String> {
    let reference: Reference = image.parse().expect(image);
    let shown = |way: &Way| {
        let host = way
            .address
            .as_ref()
            .map_or("itself", |address| &address.authority);
        let repository = way.repository.as_deref().unwrap_or(reference.repository());
        let plain = if way.may_be_plain() { "?" } else { "" };
        format!("{host} {repository}{plain}")
    };
    match conf.plan(&reference) {
        None => vec!["unsaid".to_owned()],
        Some((_, Plan::Blocked(_))) => vec!["blocked".to_owned()],
        Some((_, Plan::Ways(ways))) => ways.iter().map(shown).collect(),
    }
}

#[test]
fn mirrors_come_first_and_locations_stand_in_place_of_prefixes() {
    let conf = read(&[(
        "registries.conf",
        r#"
        unqualified-search-registries = ["docker.io"]
        [[registry]]
        location = "docker.io"
        [[registry.mirror]]
        location = "mirror.example/hub"
        [[registry.mirror]]
        location = "near.example:5000"
        insecure = true
        [[registry]]
        prefix = "quay.io/team"
        location = "inner.example/copies/team"
        [[registry]]
        prefix = "*.corp.example"
        location = "docker.io/corp"
        [[registry]]
        location = "old.example"
        blocked = true
        [[registry]]
        prefix = "old.example/kept"
        "#,
    )])
    .expect("sound");
    for (image, expected) in [
        (
            "nginx:1",
            &[
                "mirror.example hub/library/nginx",
                "near.example:5000 library/nginx?",
                "itself library/nginx",
            ][..],
        ),
        ("quay.io/team/app:1", &["inner.example copies/team/app"]),
        ("quay.io/teams/app:1", &["unsaid"]),
        ("quay.io/team:1", &["inner.example copies/team"]),
        ("a.b.corp.example/app:1", &["registry-1.docker.io corp/app"]),
        ("corp.example/app:1", &["unsaid"]),
        ("old.example/app:1", &["blocked"]),
        ("old.example/kept/app:1", &["itself kept/app"]),
        ("ghcr.io/a/b:1", &["unsaid"]),
    ] {
        assert_eq!(ways(&conf, image), expected, "{image}");
    }
}

#[test]
fn a_mirror_may_be_for_tags_or_digests_alone() {
    let conf = read(&[(
        "registries.conf",
        r#"
        [[registry]]
        prefix = "a.example"
        [[registry.mirror]]
        location = "digests.example"
        pull-from-mirror = "digest-only"
        [[registry.mirror]]
        location = "tags.example"
        pull-from-mirror = "tag-only"
        [[registry]]
        prefix = "b.example"
        mirror-by-digest-only = true
        [[registry.mirror]]
        location = "digests.example"
        "#,
    )])
    .expect("sound");
    let digest = format!("sha256:{}", "0".repeat(64));
    for (image, first) in [
        ("a.example/x:1".to_owned(), "tags.example x"),
        (format!("a.example/x@{digest}"), "digests.example x"),
        (format!("a.example/x:1@{digest}"), "digests.example x"),
        ("b.example/x:1".to_owned(), "itself x"),
        (format!("b.example/x@{digest}"), "digests.example x"),
    ] {
        assert_eq!(ways(&conf, &image)[0], first, "{image}");
    }
}

#[test]
fn names_without_a_host_mean_what_the_files_say() {
    let conf = read(&[
        (
            "registries.conf",
            "unqualified-search-registries = [\"inner.example\", \"docker.io\"]",
        ),
        (
            "registries.conf.d/shortnames.conf",
            "[aliases]\n\"team/tool\" = \"quay.io/team/tool\"\n\"gone\" = \"\"",
        ),
    ])
    .expect("sound");
    for (name, meant) in [
        ("app:1", Some("inner.example/app:1")),
        ("team/app", Some("inner.example/team/app:latest")),
        ("team/tool:2", Some("quay.io/team/tool:2")),
        ("gone", Some("inner.example/gone:latest")),
        ("ghcr.io/team/app:1", None),
        ("localhost/app", None),
        ("host:5000/app", None),
        ("A B", None),
    ] {
        let found = conf.meant_by(name).map(|reference| reference.to_string());
        assert_eq!(found.as_deref(), meant, "{name}");
    }
    assert_eq!(RegistriesConf::default().meant_by("app"), None);
}

#[test]
fn later_files_stand_in_place_of_earlier_ones() {
    let table = |to: &str| format!("[[registry]]\nprefix = \"a.example\"\nlocation = \"{to}\"\n");
    let conf = read(&[
        ("registries.conf", &table("main.example")),
        ("registries.conf.d/20-second.conf", &table("second.example")),
        ("registries.conf.d/10-first.conf", &table("first.example")),
        ("registries.conf.d/30-not-read", &table("other.example")),
    ])
    .expect("sound");
    assert_eq!(ways(&conf, "a.example/x"), ["second.example x"]);
}

#[test]
fn what_is_wrong_is_named_with_its_file() {
    for (text, words) in [
        ("[registries.search]\nregistries = []", "version 1"),
        (
            "[[registry]]\ninsecure = true",
            "neither prefix nor location",
        ),
        (
            "[[registry]]\nlocation = \"https://a.example\"",
            "has a scheme",
        ),
        (
            "[[registry]]\nlocation = \"u:p@a.example\"",
            "holds no credentials",
        ),
        (
            "[[registry]]\nprefix = \"*example.com\"",
            "stands only before a domain",
        ),
        (
            "[[registry]]\nprefix = \"a\"\n[[registry.mirror]]\nlocation = \"b\"\npull-from-mirror = \"x\"",
            "all, digest-only or tag-only",
        ),
        (
            "[[registry]]\nprefix = \"a\"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = \"b\"\npull-from-mirror = \"all\"",
            "exclude each other",
        ),
        ("[[registry]", "registries.conf"),
    ] {
        let fault = read(&[("registries.conf", text)]).expect_err(text);
        assert!(fault.contains(words), "{text}: {fault}");
        assert!(!fault.contains("u:p"), "{fault}");
    }
}
