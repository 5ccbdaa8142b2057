//! `[[node-pool]]` of the config file: node pools that no other file describes.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::fault::{Fault, did_you_mean, parsed};
use super::size::Size;
use crate::cluster::{Disk, NodePool, OperatingSystem, Provider, Taint, machine_architecture};
use crate::oci::Platform;

/// The words for providers.
pub(super) const PROVIDERS: [&str; 4] = ["gke", "eks", "aks", "other"];

/// One `[[node-pool]]`, as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RawNodePool {
    name: Spanned<String>,
    platform: Option<Spanned<String>>,
    machine_type: Option<Spanned<String>>,
    provider: Option<Spanned<String>>,
    kubernetes_version: Option<Spanned<String>>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    taints: Vec<Spanned<String>>,
    disk_size: Option<Spanned<String>>,
    disk_type: Option<String>,
    oauth_scopes: Option<Vec<String>>,
    service_account: Option<String>,
    #[serde(default)]
    image_streaming: bool,
}

impl RawNodePool {
    /// The pool that it describes. It needs a platform, or a machine type that tells one.
    pub(super) fn node_pool(self) -> Result<NodePool, Fault> {
        let provider = self.provider.as_ref().map(provider).transpose()?;
        let mut pool = NodePool::new(
            self.name.as_ref().clone(),
            provider.unwrap_or(Provider::Unknown),
        );
        "oci-preflight.toml".clone_into(&mut pool.described_in);
        if let Some(machine_type) = &self.machine_type {
            let name = machine_type.as_ref().clone();
            pool = pool
                .with_machine_types(OperatingSystem::LINUX, &[name], machine_architecture)
                .remove(0);
        }
        if let Some(platform) = &self.platform {
            pool.set_platform(parsed::<Platform>(platform)?);
            pool.platform_note = None;
        }
        if pool.platform.is_none() {
            let place = self.machine_type.as_ref().unwrap_or(&self.name);
            return Err(Fault::at(
                place,
                &"the platform of this node pool can't be told: write platform = \"OS/ARCHITECTURE\"",
            ));
        }
        pool.kubernetes_version = self.kubernetes_version.as_ref().map(parsed).transpose()?;
        for (key, value) in self.labels {
            pool.labels.set(key, value);
        }
        pool.taints = self
            .taints
            .iter()
            .map(parsed::<Taint>)
            .collect::<Result<_, _>>()?;
        if let Some(size) = &self.disk_size {
            let Size(size) = parsed(size)?;
            pool.disk = Some(Disk {
                kind: self.disk_type,
                size,
            });
        }
        pool.oauth_scopes = self.oauth_scopes;
        pool.service_account = self.service_account;
        pool.image_streaming = self.image_streaming;
        Ok(pool.with_provider_taints())
    }
}

fn provider(text: &Spanned<String>) -> Result<Provider, Fault> {
    match text.as_ref().as_str() {
        "gke" => Ok(Provider::Gke),
        "eks" => Ok(Provider::Eks),
        "aks" => Ok(Provider::Aks),
        "other" => Ok(Provider::Unknown),
        word => Err(Fault {
            help: did_you_mean(word, PROVIDERS),
            ..Fault::at(text, &"this is no provider: write gke, eks, aks or other")
        }),
    }
}
