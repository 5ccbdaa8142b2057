//! Lists of tags that a registry gives out page by page.

use serde_json::json;

use crate::docker_registry::{Access, DockerRegistry};
use crate::images::{Content, Image};
use crate::registry_faults::answer::{Answer, error, whole};
use crate::registry_faults::server::{FaultRegistry, Request, Serve};
use crate::runner::Preflight;

/// How many tags there are before `2.0.0`.
const OLDER: usize = 2500;
/// How many tags are on a page.
const PAGE: usize = 1000;

/// All tags in the order of registries, which is that of their bytes: the newest older one is on no first page.
fn tags() -> Vec<String> {
    let mut tags: Vec<String> = (0..OLDER).map(|minor| format!("1.{minor}.0")).collect();
    tags.push("2.0.0".to_owned());
    tags.sort();
    tags
}

/// The image under a tag. Only `1.2498.0` runs on both platforms.
fn image(tag: &str) -> Image {
    let of = |platform: &'static str| (platform, Image::oci(platform, tag));
    match tag {
        "1.2498.0" => Image::index(vec![of("linux/amd64"), of("linux/arm64")]),
        _ => Image::index(vec![of("linux/amd64")]),
    }
}

/// What a sound registry answers about anything but the list.
fn content(request: &Request) -> Answer {
    if let Some(tag) = request.manifest().filter(|tag| !tag.contains(':')) {
        return request.holding(&image(tag));
    }
    let held = ["2.0.0", "1.2499.0", "1.2498.0", "1.2497.0"].map(image);
    let wanted = request.manifest().or(request.blob()).unwrap_or_default();
    let has = |image: &&Image| {
        image.children.iter().any(|child| {
            let blobs = child.blobs.iter().map(Content::digest);
            std::iter::once(child.digest())
                .chain(blobs)
                .any(|digest| digest.as_str() == wanted)
        })
    };
    match held.iter().find(has) {
        Some(image) => request.holding(image),
        None => error(404, "BLOB_UNKNOWN"),
    }
}

fn is_list(request: &Request) -> bool {
    request.path.ends_with("/tags/list")
}

/// A page of the list, and the last tag on it where others follow.
fn page(request: &Request) -> (Answer, Option<String>) {
    let tags = tags();
    let last = request
        .query
        .split('&')
        .find_map(|pair| pair.strip_prefix("last="));
    let from = last.map_or(0, |last| {
        tags.iter().filter(|tag| tag.as_str() <= last).count()
    });
    let rest = &tags[from..];
    let page = &rest[..rest.len().min(PAGE)];
    let answer = whole(200).json(&json!({"name": "app", "tags": page}));
    let next = page.last().filter(|_| page.len() < rest.len());
    (answer, next.cloned())
}

/// The list with this link behind its first page, and sound ones behind the others.
fn linked(request: &Request, link: impl Fn(&str) -> String) -> Answer {
    if !is_list(request) {
        return content(request);
    }
    match page(request) {
        (answer, Some(last)) => answer.header("Link", &format!("<{}>; rel=\"next\"", link(&last))),
        (answer, None) => answer,
    }
}

/// As the distribution registry pages: relative to the host.
fn relative(request: &Request) -> Answer {
    linked(request, |last| {
        format!("/v2/app/tags/list?last={last}&n=1000")
    })
}

/// As others do.
fn absolute(request: &Request) -> Answer {
    let registry = &request.registry;
    linked(request, |last| {
        format!("{registry}/v2/app/tags/list?last={last}&n=1000")
    })
}

/// The image `app:2.0.0` beside its last tag: the tags that it was compared with, the images whose list is not known, and what
/// is said of it.
fn history(registry: &FaultRegistry) -> (Vec<String>, usize, String) {
    let image = format!("{}/app:2.0.0", registry.host);
    let run = || {
        Preflight::lint(["--no-cache", "--history", "1", "--platform", "linux/amd64"])
            .args(["--image", &image])
    };
    let report = run().report();
    let tags = report["history"][&image].as_array().expect("a list");
    let tags = tags
        .iter()
        .filter_map(|tag| tag.as_str()?.rsplit(':').next());
    let tags = tags.map(ToOwned::to_owned).collect();
    let unlisted = report["unlisted"].as_array().expect("a list").len();
    let shown = run().run().stdout;
    let words: Vec<&str> = shown.split_whitespace().collect();
    (tags, unlisted, words.join(" "))
}

#[test]
fn the_newest_tag_is_found_on_whatever_page_it_is() {
    for serve in [relative as Serve, absolute] {
        let registry = FaultRegistry::start(serve, None, "127.0.0.1");
        let (tags, unlisted, shown) = history(&registry);
        assert_eq!(
            (tags.as_slice(), unlisted),
            (["1.2499.0".to_owned()].as_slice(), 0)
        );
        assert!(shown.contains("/app:2.0.0 with 1.2499.0"), "{shown}");
        let report = Preflight::lint(["--platform", "linux/amd64", "--platform", "linux/arm64"])
            .args(["--image", &format!("{}/app:2.0.0", registry.host)])
            .report();
        let help = report["findings"][0]["help"].as_str().expect("help");
        assert!(help.ends_with("/app:1.2498.0 has it."), "{help}");
    }
}

#[test]
fn a_list_that_does_not_end_or_leads_elsewhere_is_not_taken_for_whole() {
    let to_itself: Serve = |request| {
        let query = request.query.clone();
        linked(request, |_| format!("/v2/app/tags/list?{query}"))
    };
    let round: Serve = |request| linked(request, |_| format!("?n=1000&round={}", request.before));
    let elsewhere: Serve = |request| {
        assert!(!request.is_elsewhere, "another host is asked");
        let elsewhere = request.elsewhere.clone();
        linked(request, |last| {
            format!("{elsewhere}/v2/app/tags/list?last={last}")
        })
    };
    let broken: Serve = |request| {
        if is_list(request) && request.query.contains("last=") {
            error(403, "DENIED")
        } else {
            relative(request)
        }
    };
    let no_list: Serve = |request| {
        if is_list(request) && request.query.contains("last=") {
            whole(200).page("Sign in")
        } else {
            relative(request)
        }
    };
    let denied: Serve = |request| {
        if is_list(request) {
            error(403, "DENIED")
        } else {
            content(request)
        }
    };
    for (name, serve) in [
        ("to itself", to_itself),
        ("round", round),
        ("elsewhere", elsewhere),
        ("broken", broken),
        ("no list", no_list),
        ("denied", denied),
    ] {
        let registry = FaultRegistry::start(serve, None, "127.0.0.1");
        let (tags, unlisted, shown) = history(&registry);
        assert_eq!((tags.as_slice(), unlisted), ([].as_slice(), 1), "{name}");
        let said = "with nothing: its registry did not give out the whole list of tags";
        assert!(shown.contains(said), "{name}: {shown}");
        let seen = registry.seen.lock().expect("what was seen");
        // Two runs: manifest, child, config and at most two pages each.
        assert!(seen.requests <= 10, "{name}: {} requests", seen.requests);
        assert!(seen.leaks.is_empty(), "{name}");
    }
}

#[test]
fn pages_without_end_are_read_up_to_a_bound() {
    let endless: Serve = |request| {
        if !is_list(request) {
            return content(request);
        }
        let number: usize = request
            .query
            .strip_prefix("page=")
            .map_or(0, |number| number.parse().expect("a number"));
        whole(200)
            .json(&json!({"name": "app", "tags": [format!("0.{number}.0")]}))
            .header("Link", &format!("<?page={}>; rel=next", number + 1))
    };
    let registry = FaultRegistry::start(endless, None, "127.0.0.1");
    let (tags, unlisted, _) = history(&registry);
    assert_eq!((tags.as_slice(), unlisted), ([].as_slice(), 1));
    let requests = registry.seen.lock().expect("what was seen").requests;
    // Two runs: the list, and the manifest, child and config of the image itself.
    assert!(requests <= 2 * 104, "{requests} requests");
}

#[test]
fn slow_pages_cost_no_image_its_answer() {
    let slow: Serve = |request| {
        if is_list(request) && request.query.contains("last=") {
            std::thread::sleep(std::time::Duration::from_secs(3));
        }
        relative(request)
    };
    let registry = FaultRegistry::start(slow, None, "127.0.0.1");
    let report = Preflight::lint([
        "--no-cache",
        "--history",
        "1",
        "--timeout",
        "1",
        "--retries",
        "0",
    ])
    .args(["--platform", "linux/amd64", "--image"])
    .arg(format!("{}/app:2.0.0", registry.host))
    .report();
    assert_eq!(report["images"][0]["status"], "found", "{report:#}");
    assert_eq!(report["unlisted"].as_array().map(Vec::len), Some(1));
}

/// Distribution 2.8 gives out all tags at once, whatever number of them is asked for.
#[tokio::test]
async fn a_registry_may_give_out_more_than_was_asked_for() {
    let Some(server) = DockerRegistry::start(&Access::Open) else {
        return;
    };
    let old = Image::oci("linux/amd64", "1");
    server.push("app", "1.0.0", &old).await;
    for minor in 1..1005 {
        let tag = format!("1.{minor}.0");
        server.put_manifest("app", &tag, &old.manifest).await;
    }
    let new = Image::oci("linux/amd64", "2");
    server.push("app", "2.0.0", &new).await;
    let image = format!("{}/app:2.0.0", server.host);
    let report = Preflight::lint(["--history", "1", "--platform", "linux/amd64"])
        .args(["--image", &image])
        .report();
    let newest = format!("{}/app:1.1004.0", server.host);
    assert_eq!(report["history"], json!({ &image: [newest] }));
    assert_eq!(report["unlisted"], json!([]));
}
