//! The JSON Schema of `oci-preflight.toml`, for editors.

use serde_json::{Map, Value, json};

use super::node_pool::PROVIDERS;
use super::{FailOn, Level};
use crate::rule::RULES;

/// The JSON Schema (2020-12) of the config file. The ids of rules are those of this version.
#[must_use]
pub fn config_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "oci-preflight.toml",
        "description": "The settings of oci-preflight. Paths are relative to the folder of the file.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "paths": texts("Files and folders with Kubernetes sources, where the command line names none."),
            "image": texts("Images to check that stand in no file."),
            "exclude": texts("What is left out when it is found in a folder, as in a .gitignore."),
            "guess": flag("Ask about texts that only look like an image too."),
            "image-field": list("Fields of custom resources that name images.", &image_field()),
            "no-render": flag("Render no charts and Kustomizations."),
            "values": texts("Files of values for all charts."),
            "set": texts("Values for all charts: KEY=VALUE."),
            "api-versions": texts("API versions that charts may count on."),
            "nodes": texts("Files that describe node pools, in any format that --nodes takes."),
            "iam": texts("Files that say what service accounts may read."),
            "platform": texts("Platforms that stand in for node pools: OS/ARCHITECTURE[/VARIANT]."),
            "node-pool": list("Node pools that no other file describes.", &node_pool()),
            "kubernetes-version": text("The Kubernetes version of node pools that do not say theirs."),
            "base": text("What is deployed now: a folder of sources, or a git revision."),
            "history": number("How many earlier tags of its repository an image without a base is compared with.", 0),
            "pull-secret": texts("Files with a pull secret of every pod."),
            "deep": flag("Read the content of all layers too."),
            "verify-blobs": flag("Ask whether every config and layer is there, with the declared size."),
            "hosts-dir": texts("Folders of HOST/hosts.toml files, as containerd reads them."),
            "registries-conf": texts("Files of registries.conf, as CRI-O reads them, each with its folder FILE.d."),
            "mirrors": {
                "description": "Hosts to ask before a registry: HOST to a list of URLs.",
                "type": "object",
                "additionalProperties": { "type": "array", "items": { "type": "string" } }
            },
            "offline": flag("Ask nothing over the network."),
            "layouts": {
                "description": "OCI image layouts that answer in place of a host: HOST[/PREFIX] to folder.",
                "type": "object",
                "additionalProperties": { "type": "string" }
            },
            "plain-http": texts("Hosts that speak HTTP without encryption."),
            "ca-file": texts("PEM files with further certificate authorities."),
            "concurrency": number("Questions under way at once.", 1),
            "per-host": number("Questions under way at once at one host.", 1),
            "timeout": number("Seconds that one question may take, with all its tries.", 1),
            "retries": number("How often to ask again after a passing failure.", 0),
            "cache-dir": text("The folder that keeps manifests and configs between runs."),
            "no-cache": flag("Keep nothing between runs."),
            "fail-on": words("The severity from which a finding makes the exit status 1.", &FailOn::WORDS),
            "allow-no-images": flag("Pass where no image is found."),
            "rules": rules(),
            "budgets": budgets(),
            "override": list("Other standards for some places. A later one wins.", &override_entry()),
            "ignore": list("Findings that are known and accepted.", &ignore_entry()),
            "baseline": text("The file with the findings that are known: only others count."),
            "output": texts("Reports to write: FORMAT[=FILE].")
        }
    })
}

fn node_pool() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["name"],
        "properties": {
            "name": text("The name that findings use."),
            "platform": text("OS/ARCHITECTURE[/VARIANT]; needed where the machine type does not tell it."),
            "machine-type": text("The cloud's name for the machine, such as c4a-standard-4."),
            "provider": words("The cloud, for the taints that it adds by itself.", &PROVIDERS),
            "kubernetes-version": text("The version of its nodes."),
            "labels": {
                "description": "The labels of its nodes.",
                "type": "object",
                "additionalProperties": { "type": "string" }
            },
            "taints": texts("The taints of its nodes: KEY[=VALUE]:EFFECT."),
            "disk-size": text("The size of the boot disk, such as 100GB."),
            "disk-type": text("The cloud's name for the kind of boot disk, such as pd-balanced."),
            "oauth-scopes": texts("The OAuth scopes of GKE nodes."),
            "service-account": text("The service account of GKE nodes."),
            "image-streaming": flag("Whether its nodes stream images.")
        }
    })
}

fn override_entry() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "anyOf": [{ "required": ["paths"] }, { "required": ["images"] }],
        "properties": {
            "paths": globs_of_paths(),
            "images": globs_of_images(),
            "rules": rules(),
            "budgets": budgets()
        }
    })
}

fn image_field() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["api-version", "kind", "path"],
        "properties": {
            "api-version": { "description": "The API version, or its group.", "type": "string" },
            "kind": { "description": "The kind.", "type": "string" },
            "path": { "description": "The field: spec.image, spec.steps[].image.", "type": "string" }
        }
    })
}

fn ignore_entry() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["reason"],
        "anyOf": [{ "required": ["rules"] }, { "required": ["paths"] }, { "required": ["images"] }],
        "properties": {
            "rules": {
                "description": "The rules; all where none is named.",
                "type": "array",
                "items": { "enum": rule_ids() }
            },
            "paths": globs_of_paths(),
            "images": globs_of_images(),
            "reason": { "description": "Why they are accepted.", "type": "string", "minLength": 1 },
            "expires": {
                "description": "The last day on which they are: 2027-01-31, without quotes.",
                "type": "string",
                "format": "date"
            }
        }
    })
}

fn rule_ids() -> Vec<&'static str> {
    RULES.iter().map(|rule| rule.id).collect()
}

fn rules() -> Value {
    let levels: Map<String, Value> = RULES
        .iter()
        .map(|rule| (rule.id.to_owned(), words(rule.summary, &Level::WORDS)))
        .collect();
    json!({
        "description": "The levels of rules.",
        "type": "object",
        "additionalProperties": false,
        "properties": levels
    })
}

fn budgets() -> Value {
    json!({
        "description": "What sizes are held against.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "image": text("The compressed size of an image for one platform, such as 1GB."),
            "layer": text("The compressed size of one layer."),
            "layers": number("The number of layers of one image.", 0),
            "pull-time": number("The seconds that a cold pull may take.", 0),
            "growth": text("What an image may grow by since what is deployed, such as 50MB."),
            "growth-percent": number("The percent of its size that it may grow by.", 0),
            "waste": text("The bytes of an image that may be stored and hidden again, such as 20MB."),
            "waste-percent": number("Their share of all unpacked bytes, in hundredths; both must be exceeded.", 0),
            "leftovers": text("The bytes that builds may leave in an image.")
        }
    })
}

fn globs_of_paths() -> Value {
    texts(
        "Globs of paths, relative to the folder of the file. The glob of a folder matches all below it.",
    )
}

fn globs_of_images() -> Value {
    texts("Globs of images in their full form, such as docker.io/library/*.")
}

fn text(description: &str) -> Value {
    json!({ "description": description, "type": "string" })
}

fn texts(description: &str) -> Value {
    list(description, &json!({ "type": "string" }))
}

fn list(description: &str, items: &Value) -> Value {
    json!({ "description": description, "type": "array", "items": items })
}

fn flag(description: &str) -> Value {
    json!({ "description": description, "type": "boolean" })
}

fn number(description: &str, minimum: u32) -> Value {
    json!({ "description": description, "type": "integer", "minimum": minimum })
}

fn words(description: &str, words: &[&str]) -> Value {
    json!({ "description": description, "enum": words })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::super::config_file::ConfigFile;
    use super::super::fault::unknown_key;
    use super::*;

    /// The keys that the parser itself says it knows where `text` holds one that it does not.
    fn known_to_the_parser(text: &str) -> BTreeSet<String> {
        let Err(fault) = ConfigFile::parse(text, Path::new("")) else {
            panic!("{text}: no key is called so");
        };
        let (_, known) = unknown_key(&fault.message).expect("the known keys");
        known.map(str::to_owned).collect()
    }

    #[test]
    fn the_schema_has_every_key_that_the_parser_knows_and_no_other() {
        for (text, place) in [
            ("zz = 1", ""),
            ("[budgets]\nzz = 1", "/properties/budgets"),
            ("[[node-pool]]\nzz = 1", "/properties/node-pool/items"),
            ("[[override]]\nzz = 1", "/properties/override/items"),
            ("[[ignore]]\nzz = 1", "/properties/ignore/items"),
        ] {
            let schema = config_schema();
            let properties = schema
                .pointer(&format!("{place}/properties"))
                .and_then(Value::as_object)
                .expect("properties");
            let keys: BTreeSet<String> = properties.keys().cloned().collect();
            assert_eq!(keys, known_to_the_parser(text), "{text}");
        }
    }
}
