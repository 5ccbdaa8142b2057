//! The settings of a run as TOML, each with where it came from.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use toml::Value;

use super::{ConfigFile, Settings};
use crate::rule::RULES;

/// What decided an option: `--retries`, or `OCI_PREFLIGHT_RETRIES`. By the option's key in the config file.
pub type Origins = BTreeMap<String, String>;

impl Settings {
    /// The settings as a config file that would give the same run, with the origin of each value behind it. `origins` says
    /// what the command line and the environment decided; the rest is from `file` or by default.
    #[must_use]
    pub fn shown(&self, origins: &Origins, file: Option<&ConfigFile>) -> String {
        let origin = |key: &str| {
            let top = key.split('.').next().unwrap_or(key);
            let said = file.is_some_and(|file| {
                let nested = |known: &String| known.starts_with(&format!("{key}."));
                file.keys.contains(key) || file.keys.iter().any(nested)
            });
            let given = match top {
                // A level on the command line is about one rule.
                "rules" => origins.get(key),
                _ => origins.get(top),
            };
            let of_file = file.filter(|_| said).map(|file| file.path.clone());
            match (given, of_file) {
                (Some(given), Some(path)) if ADDED_TO_THE_FILE.contains(&top) => {
                    format!("{given}, {path}")
                }
                (Some(given), _) => given.clone(),
                (None, Some(path)) => path,
                (None, None) => "default".to_owned(),
            }
        };
        let lines: Vec<(String, String)> = self
            .values()
            .into_iter()
            .map(|(key, value)| {
                let origin = origin(&key);
                (format!("{} = {value}", quoted(&key)), origin)
            })
            .collect();
        let width = lines
            .iter()
            .map(|(line, _)| line.len())
            .filter(|&width| width < 60)
            .max()
            .unwrap_or(0);
        let mut text = String::new();
        for (line, origin) in lines {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{line:width$}  # {origin}");
        }
        if let Some(file) = file {
            text += &self.tables(file);
        }
        text
    }

    /// The tables of the config file that are in force. Nothing but the file can hold them.
    fn tables(&self, file: &ConfigFile) -> String {
        let Ok(all) = file.text.parse::<toml::Table>() else {
            return String::new();
        };
        let in_force = [
            ("node-pool", !self.node_pools.is_empty()),
            ("override", !self.overrides.is_empty()),
            ("ignore", !self.ignores.is_empty()),
            ("image-field", !self.image_fields.is_empty()),
        ];
        let tables = in_force.into_iter().filter_map(|(key, in_force)| {
            let table = all.get(key).filter(|_| in_force)?.clone();
            let table = toml::Table::from_iter([(key.to_owned(), table)]);
            Some(format!("\n# {}\n{table}", file.path))
        });
        tables.collect()
    }

    /// Every option that has a value, by its key. The tables of the config file are left out.
    fn values(&self) -> Vec<(String, Value)> {
        let mut values = vec![
            ("paths".to_owned(), paths(&self.paths)),
            ("image".to_owned(), texts(&self.images)),
            ("exclude".to_owned(), texts(&self.exclude)),
            ("guess".to_owned(), Value::Boolean(self.guess)),
            (
                "no-render".to_owned(),
                Value::Boolean(self.rendering.is_none()),
            ),
            ("nodes".to_owned(), paths(&self.nodes)),
            ("iam".to_owned(), paths(&self.iam)),
            ("platform".to_owned(), texts(&self.platforms)),
        ];
        let mut add = |key: &str, value: Option<Value>| {
            values.extend(value.map(|value| (key.to_owned(), value)));
        };
        if let Some(rendering) = &self.rendering {
            add("values", Some(paths(&rendering.values)));
            add("set", Some(texts(&rendering.set)));
            add("api-versions", Some(texts(&rendering.api_versions)));
        }
        let version = self.kubernetes_version.as_ref();
        add("kubernetes-version", version.map(|v| text(&v.to_string())));
        add("base", self.base.as_deref().map(text));
        add("history", Some(number(self.history)));
        add("offline", Some(Value::Boolean(self.offline)));
        add("verify-blobs", Some(Value::Boolean(self.verify_blobs)));
        add("deep", Some(Value::Boolean(self.deep)));
        add("pull-secret", Some(paths(&self.pull_secrets)));
        add("hosts-dir", Some(paths(&self.hosts_dirs)));
        add("registries-conf", Some(paths(&self.registries_confs)));
        let mut mirrors: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
        for (host, url) in &self.mirrors {
            mirrors.entry(host).or_default().push(url);
        }
        for (host, urls) in mirrors {
            add(&format!("mirrors.{host}"), Some(texts(&urls)));
        }
        for (host, folder) in &self.layouts {
            add(&format!("layouts.{host}"), Some(path(folder)));
        }
        add("plain-http", Some(texts(&self.plain_http)));
        add("ca-file", Some(paths(&self.ca_files)));
        add("concurrency", Some(number(self.concurrency)));
        add("per-host", Some(number(self.per_host)));
        add("timeout", Some(number(self.timeout.as_secs())));
        add("retries", Some(number(self.retries)));
        add("no-cache", Some(Value::Boolean(self.cache_dir.is_none())));
        add("cache-dir", self.cache_dir.as_deref().map(path));
        let fail_on = self.fail_on.map_or("never", |severity| severity.as_str());
        add("fail-on", Some(text(fail_on)));
        let allowed = Value::Boolean(self.allow_no_images);
        add("allow-no-images", Some(allowed));
        add("baseline", self.baseline.as_deref().map(path));
        let outputs: Vec<String> = self.outputs.iter().map(ToString::to_string).collect();
        add("output", Some(texts(&outputs)));
        let budgets = &self.standards.budgets;
        for (key, value) in [
            ("budgets.image", text(&format!("{} B", budgets.image.0))),
            ("budgets.layer", text(&format!("{} B", budgets.layer.0))),
            ("budgets.layers", number(budgets.layers)),
            ("budgets.pull-time", number(budgets.pull_time.as_secs())),
            ("budgets.growth", text(&format!("{} B", budgets.growth.0))),
            ("budgets.growth-percent", number(budgets.growth_percent)),
            ("budgets.waste", text(&format!("{} B", budgets.waste.0))),
            ("budgets.waste-percent", number(budgets.waste_percent)),
            (
                "budgets.leftovers",
                text(&format!("{} B", budgets.leftovers.0)),
            ),
        ] {
            add(key, Some(value));
        }
        for rule in RULES {
            let severity = self.standards.severity(rule);
            let level = severity.map_or("off", |severity| severity.as_str());
            add(&format!("rules.{}", rule.id), Some(text(level)));
        }
        values
    }
}

/// Where the command line adds to what the file says.
const ADDED_TO_THE_FILE: [&str; 10] = [
    "exclude",
    "values",
    "set",
    "api-versions",
    "layouts",
    "plain-http",
    "ca-file",
    "hosts-dir",
    "registries-conf",
    "mirrors",
];

/// A key with a host in it is no bare one.
fn quoted(key: &str) -> String {
    match key.split_once('.') {
        Some((table, name)) if name.contains(['.', ':', '/']) => {
            format!("{table}.{}", Value::from(name))
        }
        _ => key.to_owned(),
    }
}

fn text(text: &str) -> Value {
    Value::from(text)
}

fn texts<T: ToString>(items: &[T]) -> Value {
    Value::Array(items.iter().map(|item| text(&item.to_string())).collect())
}

fn path(path: &Path) -> Value {
    Value::from(path.display().to_string())
}

fn paths(paths: &[std::path::PathBuf]) -> Value {
    Value::Array(paths.iter().map(|one| path(one)).collect())
}

fn number(number: impl TryInto<i64>) -> Value {
    Value::from(number.try_into().unwrap_or(i64::MAX))
}
