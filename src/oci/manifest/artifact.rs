//! What is stored like an image and is none.

use crate::oci::Bytes;

/// The manifest of something that is no runnable image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// The declared type of the manifest itself.
    pub media_type: String,
    /// What the artifact is: its artifact type, else the type of its config, else that of its first layer.
    pub artifact_type: String,
    /// The declared bytes of all parts.
    pub size: Bytes,
}

impl Artifact {
    /// A person's word for what the artifact is.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        let kinds = [
            ("helm", "a Helm chart"),
            ("cosign", "a cosign signature"),
            ("simplesigning", "a cosign signature"),
            ("notary", "a Notary signature"),
            ("sigstore", "a Sigstore bundle"),
            ("spdx", "an SBOM"),
            ("cyclonedx", "an SBOM"),
            ("in-toto", "an attestation"),
            ("dsse", "an attestation"),
            ("wasm", "a WebAssembly module"),
            ("cnab", "a CNAB bundle"),
            ("flux", "a Flux artifact"),
            ("opa", "an OPA bundle"),
            ("singularity", "a Singularity image"),
        ];
        kinds
            .into_iter()
            .find(|(part, _)| self.artifact_type.contains(part))
            .map_or("an OCI artifact", |(_, kind)| kind)
    }
}
