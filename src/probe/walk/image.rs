//! The upper stages: what a node asks for when it pulls an image, up to the first byte of its content.

use std::time::Instant;

use reqwest::header::HeaderValue;
use reqwest::{Method, Response, StatusCode};

use super::Walk;
use super::follow::{Good, Question, Whole};
use crate::oci::{
    Config, Descriptor, Digest, ImageManifest, MAX_MANIFEST_BYTES, Manifest, Reference,
};
use crate::probe::content::{self, Entry};
use crate::probe::fault::Fault;
use crate::probe::outcome::{Progress, StageVerdict};
use crate::probe::web::Failed;

/// The most bytes of a config that are read.
const MAX_CONFIG_BYTES: usize = 8 * 1024 * 1024;
/// How deep indexes may lie in each other.
const MAX_DEPTH: usize = 4;

/// What is asked, and with what.
struct Pull<'a> {
    image: &'a Reference,
    /// The name of the repository there.
    repository: &'a str,
    /// What is asked for.
    tag_or_digest: &'a str,
    /// The digest, where that is asked for.
    digest: Option<&'a Digest>,
    authorization: Option<&'a HeaderValue>,
}

impl<'a> Pull<'a> {
    fn question(
        &self,
        stage: &'static str,
        method: Method,
        path: String,
        part: Option<&'static str>,
    ) -> Question<'a> {
        Question {
            stage,
            method,
            path,
            authorization: self.authorization,
            image: self.image,
            part,
        }
    }

    fn manifest(&self, tag_or_digest: &str) -> String {
        format!("{}/manifests/{tag_or_digest}", self.repository)
    }

    fn blob(&self, digest: &Digest) -> String {
        format!("{}/blobs/{digest}", self.repository)
    }
}

impl Walk<'_> {
    /// Credentials, token, manifests, config and the first layer.
    pub(super) async fn image(&mut self, image: &Reference, api: &Response) {
        let host = self.host;
        let digest = match image.digest() {
            None if !host.resolves() => match self.pinned {
                Some(pinned) => Some(pinned),
                None => return self.leave_unasked(),
            },
            digest => digest,
        };
        let repository = host.repository(image);
        let tag_or_digest = digest.map_or_else(|| image.tag_or_digest(), Digest::as_str);
        self.name_identity();
        let mut authorization = self.authorize(api, image).await;
        let path = format!("{repository}/manifests/{tag_or_digest}");
        if authorization.is_none()
            && api.status() != StatusCode::UNAUTHORIZED
            && let Some(challenge) = self.challenge_of(&path).await
        {
            authorization = self.authorize(&challenge, image).await;
        }
        let pull = Pull {
            image,
            repository,
            tag_or_digest,
            digest,
            authorization: authorization.as_ref(),
        };
        let Some(digest) = self.resolve_tag(&pull).await else {
            return;
        };
        let Some(manifest) = self.manifest(&pull, digest).await else {
            return;
        };
        if self.config(&pull, &manifest.config).await.is_some() {
            self.first_layer(&pull, &manifest).await;
        }
    }

    /// By its capabilities, the host gives out content by digest alone, and no other host has told the tag's digest.
    fn leave_unasked(&mut self) {
        self.report.is_asked = false;
        self.report.fault = None;
        let host = self.host.authority();
        let words = "asked by digest alone, and no host has told the tag's".to_owned();
        self.add("manifest", host, Instant::now(), Ok(words));
        if let Some(stage) = self.report.stages.last_mut() {
            stage.verdict = StageVerdict::Skipped;
        }
    }

    /// Asks which digest the image has, as containerd does first. None where it fails; no digest where the registry tells none.
    async fn resolve_tag(&mut self, pull: &Pull<'_>) -> Option<Option<Digest>> {
        let path = pull.manifest(pull.tag_or_digest);
        let question = pull.question("manifest", Method::HEAD, path, None);
        let good = self.ask(&question).await?;
        self.report.progress = Progress::Resolved;
        let promised = good.answer.headers().get("docker-content-digest");
        let promised = promised.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let asked = pull.digest.cloned();
        let digest = match promised.as_deref().map(str::parse::<Digest>) {
            Some(Err(error)) => {
                let words = format!("the header Docker-Content-Digest is no digest: {error}");
                self.fail_good(&good, (words, damaged(&good.host, pull)));
                return None;
            }
            Some(Ok(digest)) => asked.or(Some(digest)),
            None => asked,
        };
        let words = match &digest {
            Some(digest) => format!("HEAD, status {}, {}", good.answer.status(), digest.short()),
            None => format!("HEAD, status {}, no digest", good.answer.status()),
        };
        self.add(good.stage, &good.target, good.start, Ok(words));
        self.report.digest.clone_from(&digest);
        Some(digest)
    }

    /// The manifest that the node takes, by way of the indexes before it.
    async fn manifest(
        &mut self,
        pull: &Pull<'_>,
        mut digest: Option<Digest>,
    ) -> Option<ImageManifest> {
        let mut part = digest.is_some().then_some("manifest");
        if pull.digest.is_some() {
            part = None;
        }
        for _ in 0..MAX_DEPTH {
            let wanted = digest
                .as_ref()
                .map_or_else(|| pull.tag_or_digest.to_owned(), Digest::to_string);
            let question = pull.question("manifest", Method::GET, pull.manifest(&wanted), part);
            let whole = self.fetch(&question, MAX_MANIFEST_BYTES).await?;
            self.report.progress = Progress::Manifest;
            let of_body = || Digest::sha256_of(&whole.body);
            self.report.digest.get_or_insert_with(of_body);
            let promised = whole.header("docker-content-digest");
            let read = content::manifest(
                &whole.body,
                whole.header("content-type"),
                digest.as_ref(),
                promised,
            );
            match read {
                Err(trouble) => {
                    let failed = trouble.failed(&whole.host, pull.image);
                    self.fail(whole.stage, &whole.target, whole.start, failed);
                    return None;
                }
                Ok(Manifest::Index(index)) => {
                    match content::entry_for(&index, &self.options.platform) {
                        Entry::Found(entry) => {
                            let platform = entry.platform.as_ref();
                            let words = format!(
                                "an index, its image for {}",
                                platform.unwrap_or(&self.options.platform)
                            );
                            self.add_whole(&whole, &words);
                            digest = Some(entry.descriptor.digest.clone());
                            part = Some("manifest");
                        }
                        Entry::Missing(has) => {
                            let words = format!("an index with {has}");
                            let failed = (words, self.platform_fault(pull));
                            self.fail(whole.stage, &whole.target, whole.start, failed);
                            return None;
                        }
                    }
                }
                Ok(Manifest::Image(image)) => {
                    let words = format!("an image, layers: {}", image.layers.len());
                    self.add_whole(&whole, &words);
                    return Some(image);
                }
                Ok(other) => {
                    let words = format!("{}: no image that runs", other.media_type());
                    let failed = (words, Fault::NoImage(pull.image.to_string()));
                    self.fail(whole.stage, &whole.target, whole.start, failed);
                    return None;
                }
            }
        }
        let words = format!("more than {MAX_DEPTH} indexes in each other");
        let host = self.host.authority();
        let failed = (words, damaged(host, pull));
        self.fail("manifest", host, Instant::now(), failed);
        None
    }

    /// The config: content that is what its digest says, for the node's platform.
    async fn config(&mut self, pull: &Pull<'_>, descriptor: &Descriptor) -> Option<()> {
        let path = pull.blob(&descriptor.digest);
        let question = pull.question("blob", Method::GET, path, Some("config"));
        let whole = self.fetch(&question, MAX_CONFIG_BYTES).await?;
        let checked = content::blob(&whole.body, whole.header("content-type"), descriptor);
        let failed = match checked.and_then(|()| content::config(&whole.body)) {
            Err(trouble) => trouble.failed(&whole.host, pull.image),
            Ok(Config {
                platform: Some(platform),
                ..
            }) if !platform.runs_on(&self.options.platform) => (
                format!("an image for {platform}"),
                self.platform_fault(pull),
            ),
            Ok(_) => {
                self.add_whole(&whole, "the config, as its digest says");
                return Some(());
            }
        };
        self.fail(whole.stage, &whole.target, whole.start, failed);
        None
    }

    /// The first layer, of which only the beginning is waited for: it may lie at another host than the config.
    async fn first_layer(&mut self, pull: &Pull<'_>, manifest: &ImageManifest) {
        let Some(layer) = manifest.layers.iter().find(|layer| !layer.is_foreign()) else {
            return;
        };
        let path = pull.blob(&layer.digest);
        let question = pull.question("layer", Method::GET, path, Some("layer"));
        let Some(good) = self.ask(&question).await else {
            return;
        };
        let declared = layer.size.0;
        match good.answer.content_length() {
            Some(length) if length != declared => {
                let words = format!("{length} bytes, and {declared} are declared");
                self.fail_good(&good, (words, damaged(&good.host, pull)));
            }
            _ => {
                let words = format!("the first layer, status {}", good.answer.status());
                self.add(good.stage, &good.target, good.start, Ok(words));
            }
        }
    }

    fn add_whole(&mut self, whole: &Whole, what: &str) {
        let words = format!(
            "status {}, {} bytes: {what}",
            whole.status,
            whole.body.len()
        );
        self.add(whole.stage, &whole.target, whole.start, Ok(words));
    }

    fn fail_good(&mut self, good: &Good, failed: Failed) {
        self.fail(good.stage, &good.target, good.start, failed);
    }

    fn platform_fault(&self, pull: &Pull<'_>) -> Fault {
        Fault::Platform {
            image: pull.image.to_string(),
            platform: self.options.platform.to_string(),
        }
    }
}

fn damaged(host: &str, pull: &Pull<'_>) -> Fault {
    Fault::Damaged {
        host: host.to_owned(),
        image: pull.image.to_string(),
    }
}
