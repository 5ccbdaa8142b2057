use super::declare_rule;
use crate::cluster::NodePool;
use crate::facts::Depth;
use crate::finding::{Finding, Severity};

declare_rule! {
    /// ## What it does
    /// Reports node pools whose processor architecture their description does not tell: a machine type that no table and
    /// no naming rule of the provider knows, a placeholder, or no machine type at all.
    ///
    /// ## Why it matters
    /// Whether an image runs on such a pool can't be told, so nothing was checked there. A guess of amd64 would pass
    /// images that die on Arm nodes.
    ///
    /// ## What the cluster would show
    /// Nothing by itself: the pool is fine, only its description says too little.
    ///
    /// ## How to fix it
    /// Fill in the placeholder, or describe the pool by its nodes: `kubectl get nodes -o json` states the architecture.
    id: "unknown-machine-type",
    summary: "the architecture of a node pool can't be told from its description",
    severity: Some(Severity::Warning),
    needs: Depth::Reference,
    event: None,
    check: |_| Vec::new(),
    check_pool: check_pool,
}

fn check_pool(pool: &NodePool) -> Vec<Finding> {
    let (None, Some(span)) = (&pool.platform, pool.span) else {
        return vec![];
    };
    let why = pool
        .platform_note
        .as_deref()
        .unwrap_or("its description names no platform");
    vec![Finding {
        rule: RULE.id,
        severity: Severity::Warning,
        message: format!("no image was checked for the node pool {}: {why}", pool.name),
        reference: None,
        places: vec![span],
        help: Some(
            "Describe the pool by its nodes, which state their architecture: `kubectl get nodes -o json`.".to_owned(),
        ),
        event: None,
        node_pools: vec![pool.name.clone()],
        layers: None,
    }]
}
