//! The labels of nodes, as far as a description tells them.

use std::collections::BTreeMap;

use crate::oci::Platform;

/// What a description tells of the labels of a pool's nodes.
///
/// Pools that a cluster makes by itself are open sets: a label may have one of several values, or any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    told: BTreeMap<String, Vec<String>>,
    open: Vec<String>,
}

/// What is told of one label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label<'a> {
    /// No node has it.
    Absent,
    /// Each node has one of these values; mostly there is one.
    OneOf(&'a [String]),
    /// It is not told.
    Open,
}

impl Labels {
    /// Says that all nodes have the label with this value.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.told.insert(key.into(), vec![value.into()]);
    }

    /// Says that each node has the label with one of these values; with none of them, that no node has it.
    pub fn choose(&mut self, key: impl Into<String>, values: Vec<String>) {
        self.told.insert(key.into(), values);
    }

    /// Says that no node has the label.
    pub fn forbid(&mut self, key: impl Into<String>) {
        self.told.insert(key.into(), Vec::new());
    }

    /// Says that nothing is told of the labels whose keys begin so. The empty prefix leaves all labels open.
    pub fn leave_open(&mut self, prefix: impl Into<String>) {
        self.open.push(prefix.into());
    }

    /// Says that all labels are told: none is open any longer.
    pub fn close(&mut self) {
        self.open.clear();
    }

    /// What is told of a label. What is neither told nor left open is not there.
    #[must_use]
    pub fn get(&self, key: &str) -> Label<'_> {
        match self.told.get(key) {
            Some(values) if values.is_empty() => Label::Absent,
            Some(values) => Label::OneOf(values),
            None if self.open.iter().any(|prefix| key.starts_with(prefix)) => Label::Open,
            None => Label::Absent,
        }
    }

    /// The value that all nodes have, where the description tells one.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        match self.get(key) {
            Label::OneOf([value]) => Some(value),
            _ => None,
        }
    }

    /// Adds the labels that every kubelet sets by the platform of its node, with their deprecated names
    /// (<https://kubernetes.io/docs/reference/labels-annotations-taints/>).
    pub fn set_platform(&mut self, platform: &Platform) {
        for prefix in ["kubernetes.io", "beta.kubernetes.io"] {
            self.set(format!("{prefix}/os"), &platform.os);
            self.set(format!("{prefix}/arch"), &platform.architecture);
        }
        let build = platform.os_version.as_deref().map(|version| {
            let parts: Vec<&str> = version.split('.').take(3).collect();
            parts.join(".")
        });
        if let Some(build) = build {
            self.set("node.kubernetes.io/windows-build", build);
        }
    }

    /// Adds the label of the machine type, with its deprecated name.
    pub fn set_machine_type(&mut self, machine_types: &[String]) {
        for prefix in ["node.kubernetes.io", "beta.kubernetes.io"] {
            self.choose(format!("{prefix}/instance-type"), machine_types.to_vec());
        }
    }

    /// Leaves open what every node has and few descriptions tell: its name, and where it stands.
    pub fn leave_place_open(&mut self) {
        for prefix in [
            "kubernetes.io/hostname",
            "topology.kubernetes.io/",
            "failure-domain.beta.kubernetes.io/",
        ] {
            self.leave_open(prefix);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_neither_told_nor_left_open_is_not_there() {
        let mut labels = Labels::default();
        labels.set("team", "shop");
        labels.leave_open("cloud.google.com/");
        labels.forbid("cloud.google.com/gke-spot");
        assert_eq!(labels.value("team"), Some("shop"));
        assert_eq!(labels.get("tier"), Label::Absent);
        assert_eq!(
            labels.get("cloud.google.com/gke-max-pods-per-node"),
            Label::Open
        );
        assert_eq!(labels.get("cloud.google.com/gke-spot"), Label::Absent);
    }

    #[test]
    fn the_windows_build_is_major_minor_build() {
        let mut labels = Labels::default();
        labels.set_platform(&Platform::new(
            "windows",
            "amd64",
            None,
            Some("10.0.20348.1"),
        ));
        assert_eq!(
            labels.value("node.kubernetes.io/windows-build"),
            Some("10.0.20348")
        );
    }
}
