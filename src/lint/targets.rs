//! The node pools that images are held against.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::cluster::{NodePool, Target};
use crate::extract::node_pools::{NodePoolError, node_pools as described_in};
use crate::extract::permissions::{PermissionsError, permissions};
use crate::extract::pull_secrets::{PullSecretError, pull_secret};
use crate::settings::Settings;
use crate::text::{Origin, Source, SourceMap};
use crate::workload::PullSecrets;

/// The largest node pool file that is read, in bytes. A cluster of a thousand nodes prints about 15 MB.
const MAX_NODE_POOL_BYTES: u64 = 256 * 1024 * 1024;

/// Why a description of node pools can't be used. The person who named the file can mend it.
#[derive(Debug, Error)]
pub enum TargetError {
    /// The file can't be read.
    #[error("cannot read {path}, which describes the target: {reason}")]
    Unreadable {
        /// The path as given.
        path: String,
        /// Why.
        reason: String,
    },
    /// The file describes no node pools.
    #[error(transparent)]
    NotNodePools(#[from] NodePoolError),
    /// The file says nothing of permissions.
    #[error(transparent)]
    NotPermissions(#[from] PermissionsError),
    /// The file is no pull secret.
    #[error(transparent)]
    NotAPullSecret(#[from] PullSecretError),
}

/// Reads what the settings name of the cluster.
///
/// # Errors
///
/// When a file can't be read or is of another kind.
pub(super) fn target(settings: &Settings, sources: &mut SourceMap) -> Result<Target, TargetError> {
    let mut target = Target {
        pools: node_pools(settings, sources)?,
        ..Target::default()
    };
    for path in &settings.iam {
        let source = read(path)?;
        let found = permissions(&source.name, &source.text)?;
        target.permissions.join(found);
    }
    Ok(target)
}

/// Reads the pull secrets that the settings name: every pod has them.
///
/// # Errors
///
/// When a file can't be read or is no pull secret.
pub(super) fn pull_secrets(settings: &Settings) -> Result<PullSecrets, TargetError> {
    let mut secrets = PullSecrets::default();
    for path in &settings.pull_secrets {
        let source = read(path)?;
        secrets.given.push(pull_secret(&source.name, &source.text)?);
    }
    Ok(secrets)
}

/// Adds the node pools that stand among the sources. Where they are all that is known, the target is a part of the cluster.
pub(super) fn join(target: &mut Target, found: &[NodePool]) {
    target.is_partial = target.pools.is_empty();
    for pool in found {
        let is_known =
            |other: &NodePool| other.name == pool.name && other.platform == pool.platform;
        if !target.pools.iter().any(is_known) {
            target.pools.push(pool.clone());
        }
    }
    leave_out_classes_of_known_pools(&mut target.pools);
}

/// A class that makes no nodes has none of its own: those of the pools that it names are judged as what they are. Where one
/// of them is not described, the class stays, and its platform is not known.
fn leave_out_classes_of_known_pools(pools: &mut Vec<NodePool>) {
    let known: BTreeSet<String> = pools.iter().map(|pool| pool.name.clone()).collect();
    pools.retain(|pool| {
        pool.stands_for.is_empty() || !pool.stands_for.iter().all(|name| known.contains(name))
    });
}

/// Reads the node pools that the settings name, and the platforms that stand in for some.
///
/// # Errors
///
/// When a file can't be read or describes no node pools: without its targets a run would judge something else than it was
/// asked to.
fn node_pools(settings: &Settings, sources: &mut SourceMap) -> Result<Vec<NodePool>, TargetError> {
    let mut pools = Vec::new();
    for path in &settings.nodes {
        let source = read(path)?;
        let name = source.name.clone();
        let id = sources.add(source);
        pools.extend(described_in(id, &name, &sources.get(id).text)?);
    }
    pools.extend(settings.node_pools.iter().cloned());
    pools.extend(
        settings
            .platforms
            .iter()
            .cloned()
            .map(NodePool::of_platform),
    );
    for pool in &mut pools {
        if pool.kubernetes_version.is_none() {
            pool.kubernetes_version
                .clone_from(&settings.kubernetes_version);
        }
    }
    Ok(pools)
}

fn read(path: &PathBuf) -> Result<Source, TargetError> {
    let is_stdin = path == Path::new("-");
    let name = if is_stdin {
        "<stdin>".to_owned()
    } else {
        path.display().to_string()
    };
    let unreadable = |reason: String| TargetError::Unreadable {
        path: name.clone(),
        reason,
    };
    let mut text = String::new();
    let size = if is_stdin {
        std::io::stdin()
            .take(MAX_NODE_POOL_BYTES + 1)
            .read_to_string(&mut text)
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(MAX_NODE_POOL_BYTES + 1).read_to_string(&mut text))
    }
    .map_err(|error| unreadable(error.to_string()))?;
    if size as u64 > MAX_NODE_POOL_BYTES {
        return Err(unreadable(format!(
            "it is larger than {MAX_NODE_POOL_BYTES} bytes"
        )));
    }
    Ok(Source {
        name,
        text,
        origin: if is_stdin {
            Origin::Stdin
        } else {
            Origin::File
        },
    })
}
