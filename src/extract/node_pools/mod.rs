//! Node pools from the descriptions that people have. One file per format; the format is told by the content.

mod aks;
mod compute_class;
mod eks;
mod eksctl;
mod fields;
mod gke;
mod karpenter;
mod kops;
mod nodes;
mod terraform;

use thiserror::Error;

use crate::cluster::{NodePool, Provider};
use crate::text::yaml::{Document, Node, documents};
use crate::text::{LineIndex, SourceId, Span};
use fields::Fields;

/// How deep lists of descriptions may be nested in each other.
const MAX_DEPTH: usize = 4;

/// Why a text gives no node pools.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NodePoolError {
    /// It is neither JSON nor YAML.
    #[error("{file}: line {line} is neither JSON nor YAML: {message}. {HOW_TO}")]
    Syntax {
        /// The file, as the user would write its path.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// It is the table that a provider's program prints for people.
    #[error(
        "{file} is a table for people, and says too little: run the command again with --format=json or --output json"
    )]
    Table {
        /// The file, as the user would write its path.
        file: String,
    },
    /// It is none of the formats.
    #[error("{file} describes no node pools in any format that is known. {HOW_TO}")]
    Unknown {
        /// The file, as the user would write its path.
        file: String,
    },
    /// It is one of the formats, and lists no pool.
    #[error("{file} is {format}, and has no node pool in it")]
    Empty {
        /// The file, as the user would write its path.
        file: String,
        /// The format, with its article.
        format: &'static str,
    },
}

const HOW_TO: &str = "Give what one of these prints: `gcloud container node-pools list --cluster NAME --format=json`, \
     `kubectl get nodes -o json`, `aws eks describe-nodegroup --cluster-name NAME --nodegroup-name NAME`, \
     `az aks nodepool list --cluster-name NAME --resource-group NAME -o json`, `terraform show -json PLAN`; \
     or an eksctl ClusterConfig, Karpenter NodePool, GKE ComputeClass or kops InstanceGroup";

/// Reads the node pools that a text describes.
///
/// `name` is the path of the file as the user would write it; findings name it.
///
/// # Errors
///
/// When the text is in none of the formats, or lists no pool.
pub fn node_pools(id: SourceId, name: &str, text: &str) -> Result<Vec<NodePool>, NodePoolError> {
    if is_table(text) {
        return Err(NodePoolError::Table {
            file: name.to_owned(),
        });
    }
    let documents: Vec<_> = documents(text).collect();
    let trees = documents
        .iter()
        .map(Document::parse)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| NodePoolError::Syntax {
            file: name.to_owned(),
            line: LineIndex::new(text).position(text, error.offset).line,
            message: error.message,
        })?;
    let mut objects = Vec::new();
    for tree in &trees {
        collect(tree.root(), MAX_DEPTH, &mut objects);
    }
    let file = File {
        id,
        name,
        objects: &objects,
    };
    let mut pools = Vec::new();
    let mut known = None;
    for object in &objects {
        if let Some(format) = Format::of(object) {
            known = known.or(Some(format));
            pools.extend(format.read(&file, *object));
        }
    }
    match known {
        Some(format) if pools.is_empty() => Err(NodePoolError::Empty {
            file: name.to_owned(),
            format: format.name(),
        }),
        Some(_) => Ok(pools),
        None => Err(NodePoolError::Unknown {
            file: name.to_owned(),
        }),
    }
}

/// The node pools that stand among the Kubernetes objects of a source: Karpenter's `NodePool` and GKE's `ComputeClass`.
/// A source without any gives none.
#[must_use]
pub fn node_pools_among(id: SourceId, name: &str, text: &str) -> Vec<NodePool> {
    if !text.contains("karpenter.sh/") && !text.contains("ComputeClass") {
        return Vec::new();
    }
    let trees: Vec<_> = documents(text)
        .filter_map(|document| document.parse().ok())
        .collect();
    let mut objects = Vec::new();
    for tree in &trees {
        collect(tree.root(), MAX_DEPTH, &mut objects);
    }
    let file = File {
        id,
        name,
        objects: &objects,
    };
    objects
        .iter()
        .filter_map(|object| Some((Format::of(object)?, *object)))
        .filter(|(format, _)| matches!(format, Format::Karpenter | Format::ComputeClass))
        .flat_map(|(format, object)| format.read(&file, object))
        .collect()
}

/// The header of the table that gcloud, kubectl or az prints.
fn is_table(text: &str) -> bool {
    let words: Vec<&str> = text
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let has = |word: &str| words.iter().any(|other| other.eq_ignore_ascii_case(word));
    has("NAME") && (has("MACHINE_TYPE") || has("VERSION") || has("VmSize") || has("NODE_VERSION"))
}

/// The objects of a document: the items of lists, of Kubernetes' `List`, and of the lists that the providers' APIs wrap.
fn collect<'t>(node: Node<'t>, depth: usize, objects: &mut Vec<Node<'t>>) {
    let is_list = node
        .text(&["kind"])
        .is_some_and(|kind| kind == "List" || kind == "NodeList" || kind == "NodePoolList");
    let wrapped = if node.is_sequence() {
        Some(node)
    } else if is_list {
        node.at(&["items"])
    } else {
        ["clusters", "nodegroups", "value"]
            .iter()
            .find_map(|key| node.at(&[key]))
            .filter(Node::is_sequence)
    };
    match wrapped {
        Some(list) if depth > 0 => list
            .items()
            .for_each(|item| collect(item, depth - 1, objects)),
        _ if node.is_mapping() => objects.push(node),
        _ => {}
    }
}

/// The file that is read, with all its objects: one may refer to another.
struct File<'a, 't> {
    id: SourceId,
    name: &'a str,
    objects: &'a [Node<'t>],
}

impl<'t> File<'_, 't> {
    /// A pool that `object` describes. Its place is that of its name.
    fn pool(&self, object: Node<'_>, name: &str, provider: Provider) -> NodePool {
        let named = ["name", "nodegroupName", "nodeGroupName"]
            .iter()
            .find_map(|key| object.at(&[key]))
            .or_else(|| object.at(&["metadata", "name"]));
        let mut pool = NodePool::new(name, provider);
        self.name.clone_into(&mut pool.described_in);
        pool.span = Some(Span::new(self.id, named.unwrap_or(object).span()));
        pool
    }

    /// Moves the place of a pool whose platform is not known to the machine type that is not known.
    fn at_machine_type(
        &self,
        mut pool: NodePool,
        parent: Option<&Node<'_>>,
        key: &str,
    ) -> NodePool {
        if let Some(node) = parent.and_then(|parent| parent.at(&[key]))
            && pool.platform.is_none()
        {
            pool.span = Some(Span::new(self.id, node.span()));
        }
        pool
    }

    /// The object of a kind and name.
    fn find(&self, kind: &str, name: &str) -> Option<Node<'t>> {
        self.objects.iter().copied().find(|object| {
            object.text(&["kind"]) == Some(kind) && object.text(&["metadata", "name"]) == Some(name)
        })
    }
}

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Node,
    GkeCluster,
    GkeNodePool,
    ComputeClass,
    EksNodegroup,
    Eksctl,
    AksCluster,
    AksNodePool,
    Karpenter,
    Kops,
    Terraform,
    /// Belongs to one of the others, and is no pool.
    Companion,
}

impl Format {
    fn of(object: &Node<'_>) -> Option<Self> {
        match object.text(&["kind"]) {
            Some(kind) => Self::of_kind(object.text(&["apiVersion"])?, kind),
            None => Self::of_shape(object),
        }
    }

    fn of_kind(api_version: &str, kind: &str) -> Option<Self> {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        Some(match (group, kind) {
            ("", "Node") => Self::Node,
            ("cloud.google.com", "ComputeClass") => Self::ComputeClass,
            ("eksctl.io", "ClusterConfig") => Self::Eksctl,
            ("karpenter.sh", "NodePool" | "Provisioner") => Self::Karpenter,
            ("kops.k8s.io" | "kops", "InstanceGroup") => Self::Kops,
            ("kops.k8s.io" | "kops", "Cluster") => Self::Companion,
            (group, kind) if group.starts_with("karpenter.") && kind.ends_with("NodeClass") => {
                Self::Companion
            }
            _ => return None,
        })
    }

    fn of_shape(object: &Node<'_>) -> Option<Self> {
        let has = |key: &str| object.at(&[key]).is_some();
        // The items of a `NodeList` need no kind of their own.
        if object.at(&["status", "nodeInfo"]).is_some() {
            return Some(Self::Node);
        }
        if has("planned_values") || has("resource_changes") || has("terraform_version") {
            Some(Self::Terraform)
        } else if has("agentPoolProfiles")
            || object.at(&["properties", "agentPoolProfiles"]).is_some()
        {
            Some(Self::AksCluster)
        } else if aks::is_pool(object) {
            Some(Self::AksNodePool)
        } else if has("nodegroup") || has("nodegroupName") {
            Some(Self::EksNodegroup)
        } else if gke::is_cluster(object) {
            Some(Self::GkeCluster)
        } else if gke::is_pool(object) {
            Some(Self::GkeNodePool)
        } else {
            None
        }
    }

    fn read(self, file: &File<'_, '_>, object: Node<'_>) -> Vec<NodePool> {
        match self {
            Self::Node => vec![nodes::node(file, object)],
            Self::GkeCluster => gke::cluster(file, object),
            Self::GkeNodePool => gke::pool(file, object),
            Self::ComputeClass => compute_class::pools(file, object),
            Self::EksNodegroup => eks::nodegroup(file, object.at(&["nodegroup"]).unwrap_or(object)),
            Self::Eksctl => eksctl::pools(file, object),
            Self::AksCluster => aks::cluster(file, object),
            Self::AksNodePool => aks::pool(file, object),
            Self::Karpenter => karpenter::pools(file, object),
            Self::Kops => kops::pools(file, object),
            Self::Terraform => terraform::pools(file, object),
            Self::Companion => Vec::new(),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Node => "a list of nodes",
            Self::GkeCluster => "a GKE cluster",
            Self::GkeNodePool => "a GKE node pool",
            Self::ComputeClass => "a GKE ComputeClass",
            Self::EksNodegroup => "an EKS node group",
            Self::Eksctl => "an eksctl ClusterConfig",
            Self::AksCluster => "an AKS cluster",
            Self::AksNodePool => "an AKS node pool",
            Self::Karpenter => "a Karpenter NodePool",
            Self::Kops => "a kops InstanceGroup",
            Self::Terraform => "a Terraform plan",
            Self::Companion => "a part of a node pool's description",
        }
    }
}
