//! The words of the kubelet and the container runtimes.
//!
//! Sources: kubelet `pkg/kubelet/images/image_manager.go`; containerd `client/pull.go`, `core/transfer/local/pull.go`,
//! `core/remotes/docker/resolver.go` and `authorizer.go`; CRI-O with containers/image `docker/docker_image_src.go`.

use super::Subject;
use crate::cluster::{NodePool, Runtime, RuntimeKind};
use crate::finding::Event;
use crate::oci::Reference;

/// The pull that a node would have tried: it words the event of its failure.
pub struct Pull<'a> {
    written: &'a str,
    reference: &'a Reference,
    runtime: Option<Runtime>,
}

/// Which program words the failure, and which generation of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wording {
    /// containerd up to 2.0, and any containerd that pulls by itself and not through its transfer service.
    Containerd,
    /// containerd from 2.1 on, whose CRI pulls through the transfer service.
    TransferService,
    /// CRI-O.
    CriO,
}

impl<'a> Pull<'a> {
    /// The pull of the subject's image, in the words of the first of `pools` whose runtime is known; else in the words
    /// that containerd had the longest.
    pub fn new<'b>(
        subject: &Subject<'a>,
        reference: &'a Reference,
        pools: impl IntoIterator<Item = &'b NodePool>,
    ) -> Self {
        Self {
            written: &subject.occurrence.value,
            reference,
            runtime: pools.into_iter().find_map(NodePool::container_runtime),
        }
    }

    pub fn wording(&self) -> Wording {
        match &self.runtime {
            Some(runtime) if runtime.kind == RuntimeKind::CriO => Wording::CriO,
            Some(runtime)
                if runtime.kind == RuntimeKind::Containerd
                    && (runtime.major, runtime.minor) >= (2, 1) =>
            {
                Wording::TransferService
            }
            _ => Wording::Containerd,
        }
    }

    /// The name that the runtime pulls: with a digest the tag is dropped (`ParseDockerRef`).
    pub fn image(&self) -> String {
        match self.reference.digest() {
            Some(digest) => format!("{}@{digest}", self.reference.name()),
            None => self.reference.to_string(),
        }
    }

    /// The address that the runtime asks for the manifest.
    pub fn manifest_url(&self) -> String {
        format!(
            "https://{}/v2/{}/manifests/{}",
            self.reference.api_host(),
            self.reference.repository(),
            self.reference.tag_or_digest()
        )
    }

    /// What the kubelet says when the runtime answers `description` with the gRPC code `code`.
    pub fn failed(&self, code: &str, description: &str) -> Event {
        Event {
            reason: "ErrImagePull",
            message: format!(
                "Failed to pull image \"{}\": rpc error: code = {code} desc = {description}",
                self.written
            ),
        }
    }

    /// containerd fails behind the name: `cause` stands behind its wrapping.
    pub fn failed_to_unpack(&self, code: &str, cause: &str) -> Event {
        let image = self.image();
        self.failed(
            code,
            &format!("failed to pull and unpack image \"{image}\": {cause}"),
        )
    }

    /// The registry, or its token service, refuses somebody without credentials.
    pub fn refused_as_nobody(&self) -> Event {
        if self.wording() == Wording::CriO {
            let (name, tag) = (self.reference.name(), self.reference.tag_or_digest());
            return self.failed(
                "Unknown",
                &format!(
                    "initializing source docker://{}: reading manifest {tag} in {name}: unauthorized: authentication \
                     required",
                    self.image()
                ),
            );
        }
        self.failed_to_resolve(
            "Unknown",
            "failed to authorize: failed to fetch anonymous token: unexpected status from GET request to …: 401 \
             Unauthorized",
        )
    }

    /// containerd fails to turn the name into a digest.
    pub fn failed_to_resolve(&self, code: &str, cause: &str) -> Event {
        let wrapping = match self.wording() {
            Wording::TransferService => "failed to resolve image".to_owned(),
            _ => format!("failed to resolve reference \"{}\"", self.image()),
        };
        self.failed_to_unpack(code, &format!("{wrapping}: {cause}"))
    }
}

/// The kubelet cannot read the image name. `detail` is what the Go library adds, empty where it adds nothing.
pub fn invalid_image_name(written: &str, reason: &str) -> Event {
    Event {
        reason: "InvalidImageName",
        message: format!(
            "Failed to apply default image tag \"{written}\": couldn't parse image name \"{written}\": {reason}"
        ),
    }
}
