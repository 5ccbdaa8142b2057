//! Compose services (<https://docs.docker.com/reference/compose-file/services/#image>).

use super::field::Field;
use super::place::{Text, string};
use super::select::select;
use super::variables::expand;
use crate::oci::Platform;
use crate::text::yaml::Node;
use crate::workload::{Occurrence, Owner, Role};

/// The images of the services. An image beside a `build` is the name of what is built. An image whose variables have neither
/// value nor default is left out, as nobody knows the environment that it will be started in.
pub(super) fn images(
    root: Node<'_>,
    variables: &dyn Fn(&str) -> Option<String>,
    text: Text<'_>,
) -> Vec<Occurrence> {
    let mut occurrences = Vec::new();
    select(
        root,
        "services.*",
        &mut Field::default(),
        &mut |service, field| {
            let is_built = service.get("build").is_some_and(|build| !build.is_null());
            let role = if is_built {
                Role::Provisional
            } else {
                Role::Unplaced
            };
            let platform: Option<Platform> =
                string(service, "platform").and_then(|platform| platform.parse().ok());
            let mut add = |node: Node<'_>, field: &Field, role| {
                let found = image(node, field, variables, text);
                let found = found.map(|found| found.on_platform(platform.clone()));
                occurrences.extend(found.map(|found| Occurrence { role, ..found }));
            };
            let mut path = field.clone();
            select(service, "image", &mut path, &mut |node, field| {
                add(node, field, role);
            });
            select(
                service,
                "build.cache_from[]",
                &mut path,
                &mut |node, field| {
                    add(node, field, Role::Provisional);
                },
            );
        },
    );
    occurrences
}

fn image(
    node: Node<'_>,
    field: &Field,
    variables: &dyn Fn(&str) -> Option<String>,
    text: Text<'_>,
) -> Option<Occurrence> {
    let value = expand(node.as_str()?, variables)?;
    Some(Occurrence {
        reference: value.parse(),
        value,
        ..text.image(node, &Owner::default(), field)?
    })
}
