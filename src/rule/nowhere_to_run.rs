use std::collections::BTreeSet;

use super::{Finding, Subject, declare_rule};
use crate::cluster::{Label, NodePool, Taint};
use crate::facts::Depth;
use crate::finding::{Event, Severity};
use crate::workload::{Landing, Placement, Role, landing};

/// How many pools of one reason a message names.
const MOST_NAMED: usize = 4;
/// How many values of a label a help names.
const MOST_VALUES: usize = 8;

declare_rule! {
    /// ## What it does
    /// Reports workloads whose `nodeSelector`, required node affinity, tolerations or operating system fit no node pool of
    /// the target, with the reason for each pool.
    ///
    /// ## Why it matters
    /// The pods stay pending. Nothing else about their images matters until they have a node.
    ///
    /// ## What the cluster would show
    /// The pod is `Pending`, with the event `FailedScheduling: 0/N nodes are available: …`.
    ///
    /// ## How to fix it
    /// Ask for a label that a pool has, tolerate its taint, or add a pool. Where the cluster makes pools by itself,
    /// describe it whole, for example with `gcloud container clusters describe`, and not only the pools that it has now.
    id: "nowhere-to-run",
    summary: "no node pool satisfies what the workload says about its nodes",
    severity: Some(Severity::Warning),
    needs: Depth::Reference,
    event: Some("FailedScheduling"),
}

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let occurrence = subject.occurrence;
    let pools = &subject.target.pools;
    if pools.is_empty()
        || subject.target.is_partial
        || matches!(
            occurrence.role,
            Role::Unplaced | Role::OffCluster | Role::Guess
        )
    {
        return vec![];
    }
    let refusals: Vec<(&NodePool, Landing)> = pools
        .iter()
        .map(|pool| (pool, landing(&occurrence.placement, pool)))
        .collect();
    if refusals
        .iter()
        .any(|(_, landing)| *landing == Landing::Possible)
    {
        return vec![];
    }
    let owner = &occurrence.owner;
    let workload = match (&owner.kind, &owner.name) {
        (Some(kind), Some(name)) => format!("{kind} {name}"),
        (Some(kind), None) => format!("the {kind}"),
        _ => "the workload".to_owned(),
    };
    let mut finding = RULE.finding(
        subject,
        format!("{workload} fits no node pool: {}", reasons(&refusals)),
    );
    // Where only a taint is in the way, all else fits already.
    let (tainted, others): (Vec<&Landing>, Vec<&Landing>) = refusals
        .iter()
        .map(|(_, landing)| landing)
        .partition(|landing| matches!(landing, Landing::Taint(_)));
    finding.help = tainted
        .into_iter()
        .chain(others)
        .find_map(|landing| mending(landing, &occurrence.placement, pools));
    finding.event = Some(event(&refusals));
    finding.node_pools = pools.iter().map(|pool| pool.name.clone()).collect();
    finding.node_pools.dedup();
    vec![finding]
}

/// Why each pool is out; pools that are out for the same reason stand together.
fn reasons(refusals: &[(&NodePool, Landing)]) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for (pool, landing) in refusals {
        let reason = reason(landing);
        match groups.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) => names.push(&pool.name),
            None => groups.push((reason, vec![&pool.name])),
        }
    }
    let texts: Vec<String> = groups
        .into_iter()
        .map(|(reason, mut names)| {
            names.dedup();
            let more = names.len().saturating_sub(MOST_NAMED);
            names.truncate(MOST_NAMED);
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            format!("{}{more} ({reason})", names.join(", "))
        })
        .collect();
    texts.join("; ")
}

/// Why a pool is out.
fn reason(landing: &Landing) -> String {
    match landing {
        Landing::Possible => "takes it".to_owned(),
        Landing::NodeName(name) => format!("not the node {name}"),
        Landing::NodeSelector(label) => format!("no label {label}"),
        Landing::Affinity => "the required node affinity does not hold".to_owned(),
        Landing::Taint(taint) => format!("the taint {taint} is not tolerated"),
        Landing::Os(os) => format!("does not run {os}"),
    }
}

/// The smallest change that would let the pod land: a toleration, or a value that the pools have.
fn mending(landing: &Landing, placement: &Placement, pools: &[NodePool]) -> Option<String> {
    match landing {
        Landing::Taint(taint) => Some(format!(
            "Tolerate the taint: add `{}` to the pod's tolerations.",
            toleration(taint)
        )),
        Landing::NodeSelector(label) => {
            let (key, _) = label.split_once('=')?;
            Some(match values(key, pools) {
                Some(values) => format!("Node pools have `{key}` with {values}."),
                None => format!(
                    "No node pool has the label `{key}`: take it out of the nodeSelector, or label a pool."
                ),
            })
        }
        Landing::Affinity => {
            let terms = placement.required_affinity.iter().flatten();
            let keys: BTreeSet<&str> = terms
                .flat_map(|term| &term.match_expressions)
                .map(|entry| entry.key.as_str())
                .collect();
            let told: Vec<String> = keys
                .into_iter()
                .map(|key| match values(key, pools) {
                    Some(values) => format!("Node pools have `{key}` with {values}."),
                    None => format!("No node pool has the label `{key}`."),
                })
                .collect();
            (!told.is_empty()).then(|| told.join(" "))
        }
        Landing::Os(os) => Some(format!("Add a node pool that runs {os}.")),
        Landing::NodeName(_) => Some(
            "Take out the `nodeName`, and let the scheduler choose: nodes come and go.".to_owned(),
        ),
        Landing::Possible => None,
    }
}

/// The values that the pools have of a label, for a sentence; none where no pool has the label.
fn values(key: &str, pools: &[NodePool]) -> Option<String> {
    let values: BTreeSet<&String> = pools
        .iter()
        .filter_map(|pool| match pool.labels.get(key) {
            Label::OneOf(values) => Some(values),
            _ => None,
        })
        .flatten()
        .collect();
    let more = values.len().saturating_sub(MOST_VALUES);
    let named: Vec<String> = values
        .iter()
        .take(MOST_VALUES)
        .map(|value| format!("`{value}`"))
        .collect();
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    (!named.is_empty()).then(|| format!("{}{more}", named.join(", ")))
}

fn toleration(taint: &Taint) -> String {
    let effect = taint.effect.as_str();
    let key = &taint.key;
    if taint.value.is_empty() {
        format!("{{key: {key}, operator: Exists, effect: {effect}}}")
    } else {
        format!(
            "{{key: {key}, operator: Equal, value: \"{}\", effect: {effect}}}",
            taint.value
        )
    }
}

/// The words of the scheduler (kube-scheduler, `framework/types.go` and the plugins `nodeaffinity` and
/// `tainttoleration`), without its count of nodes, which no description of pools tells.
fn event(refusals: &[(&NodePool, Landing)]) -> Event {
    let mut words: Vec<String> = refusals
        .iter()
        .map(|(_, landing)| match landing {
            Landing::Taint(taint) => {
                format!(
                    "node(s) had untolerated taint {{{}: {}}}",
                    taint.key, taint.value
                )
            }
            _ => "node(s) didn't match Pod's node affinity/selector".to_owned(),
        })
        .collect();
    words.sort();
    words.dedup();
    Event {
        reason: "FailedScheduling",
        message: format!("0/N nodes are available: {}.", words.join(", ")),
    }
}
