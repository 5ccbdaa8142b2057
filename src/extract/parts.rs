//! Images whose name is spread over several fields.

use super::field::Field;
use super::place::{Text, string};
use super::template::has_placeholder;
use crate::text::yaml::Node;
use crate::workload::{Occurrence, Owner, Role};

/// The keys under which the repository stands; the occurrence is there.
const REPOSITORY: [&str; 2] = ["repository", "image"];
/// The keys under which a registry stands alone.
const REGISTRY: [&str; 3] = ["registry", "hub", "repo"];
/// The keys that tell that a text beside them is a repository.
const OTHERS: [&str; 6] = ["tag", "digest", "registry", "pullPolicy", "sha", "hub"];

/// The image that a mapping such as `{registry, repository, tag, digest}` means. With neither tag nor digest it is
/// provisional: a chart then takes its own version. `is_image` tells that the mapping is known to be an image.
///
/// Source: the convention of <https://helm.sh/docs/chart_best_practices/values/> and of the charts that follow it.
pub(super) fn image(
    mapping: Node<'_>,
    is_image: bool,
    owner: &Owner,
    field: &mut Field,
    text: Text<'_>,
) -> Option<Occurrence> {
    if !is_image && !OTHERS.iter().any(|key| mapping.get(key).is_some()) {
        return None;
    }
    let (key, node) = REPOSITORY.iter().find_map(|key| {
        let node = mapping.get(key)?;
        node.as_str().filter(|name| !name.is_empty())?;
        Some((*key, node))
    })?;
    let repository = node.as_str()?;
    if repository.contains("://") || has_placeholder(repository) {
        return None;
    }
    let registry = REGISTRY.iter().find_map(|key| string(mapping, key));
    let tag = string(mapping, "tag");
    let digest = string(mapping, "digest").or_else(|| string(mapping, "sha"));
    let value = join(
        registry.as_deref(),
        repository,
        tag.as_deref(),
        digest.as_deref(),
    );
    let is_complete = value
        .rsplit('/')
        .next()
        .is_some_and(|name| name.contains([':', '@']));
    let role = if is_complete && !has_placeholder(&value) {
        Role::Unplaced
    } else {
        Role::Provisional
    };
    let found = field.key(key, |field| text.image(node, owner, field))?;
    Some(Occurrence {
        reference: value.parse(),
        value,
        role,
        ..found
    })
}

/// Joins the parts of a name.
pub(super) fn join(
    registry: Option<&str>,
    repository: &str,
    tag: Option<&str>,
    digest: Option<&str>,
) -> String {
    let mut name = repository.to_owned();
    if let Some(registry) = registry {
        name = format!("{}/{name}", registry.trim_end_matches('/'));
    }
    if let Some(tag) = tag {
        name = format!("{name}:{}", tag.trim_start_matches(':'));
    }
    if let Some(digest) = digest {
        let algorithm = if digest.contains(':') { "" } else { "sha256:" };
        name = format!("{name}@{algorithm}{digest}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::yaml::documents;
    use crate::text::{Origin, Source, SourceMap};

    fn read(mapping: &str) -> Option<(String, Role)> {
        let mut sources = SourceMap::default();
        let id = sources.add(Source {
            name: String::new(),
            text: mapping.to_owned(),
            origin: Origin::File,
        });
        let document = documents(mapping).next().expect("a document");
        let tree = document.parse().expect("YAML");
        let text = Text { id, text: mapping };
        let found = image(
            tree.root(),
            false,
            &Owner::default(),
            &mut Field::default(),
            text,
        )?;
        Some((found.value, found.role))
    }

    #[test]
    fn parts_are_joined() {
        let (value, role) =
            read("{registry: q.io, repository: a/b, tag: '1', digest: 'sha256:00'}")
                .expect("an image");
        assert_eq!(
            (value.as_str(), role),
            ("q.io/a/b:1@sha256:00", Role::Unplaced)
        );
        let (value, _) = read("{image: a/b, tag: 1.0}").expect("an image");
        assert_eq!(value, "a/b:1.0");
    }

    #[test]
    fn an_image_without_tag_is_provisional() {
        assert_eq!(
            read("{registry: ~, repository: a/b, tag: ''}"),
            Some(("a/b".to_owned(), Role::Provisional))
        );
    }

    #[test]
    fn other_repositories_are_no_images() {
        assert_eq!(
            read("{name: redis, repository: 'https://charts.example.com', tag: x}"),
            None
        );
        assert_eq!(read("{repository: a/b}"), None);
        assert_eq!(read("{repository: '', tag: x}"), None);
    }
}
