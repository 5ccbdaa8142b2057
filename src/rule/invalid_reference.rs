use super::{Finding, Subject, declare_rule, event, unrendered_template};
use crate::facts::Depth;
use crate::finding::{Event, Severity};
use crate::oci::{DigestError, Reference, ReferenceError};

declare_rule! {
    /// ## What it does
    /// Reports texts that are no image names by the grammar that the kubelet and the container runtimes share. A
    /// placeholder that nobody filled in is reported by `unrendered-template` and not here.
    ///
    /// ## Why it matters
    /// The API server takes nearly any text. The kubelet does not, and no retry helps.
    ///
    /// ## What the cluster would show
    /// `InvalidImageName`: ``Failed to apply default image tag "…": couldn't parse image name "…": invalid reference
    /// format``.
    ///
    /// ## How to fix it
    /// Write `host/repository:tag` or `host/repository@sha256:…`: the repository in lower case, no scheme such as
    /// `https://`, no blanks. The finding offers the mended name where it can be told.
    id: "invalid-reference",
    summary: "the text is no image name",
    severity: Some(Severity::Error),
    needs: Depth::Reference,
    event: Some("InvalidImageName"),
}

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let value = &subject.occurrence.value;
    let Err(error) = &subject.occurrence.reference else {
        return vec![];
    };
    if unrendered_template::placeholder(value).is_some() {
        return vec![];
    }
    let help = match mended(value) {
        Some(name) => format!("Write `{name}`."),
        None => "Write `host/repository:tag` or `host/repository@sha256:…`.".to_owned(),
    };
    vec![
        RULE.finding(subject, format!("`{value}` is no image name: {error}"))
            .help(help)
            .event(kubelet_event(value, error)),
    ]
}

/// The valid name that was most likely meant: the text without blanks around it and without scheme, its repository in
/// lower case.
fn mended(value: &str) -> Option<String> {
    let trimmed = value.trim();
    let bare = ["https://", "http://", "docker://", "oci://"]
        .iter()
        .find_map(|scheme| trimmed.strip_prefix(scheme))
        .unwrap_or(trimmed)
        .trim_end_matches('/');
    if !bare.contains(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    [bare.to_owned(), with_lower_case_repository(bare)]
        .into_iter()
        .find(|name| name.parse::<Reference>().is_ok())
}

/// Tags may have upper-case letters: they stay. So does a host that is clearly one.
fn with_lower_case_repository(name: &str) -> String {
    let path = name.find('/').map_or(0, |slash| {
        let first = &name[..slash];
        if first.contains(['.', ':']) { slash } else { 0 }
    });
    let end = name[path..]
        .find([':', '@'])
        .map_or(name.len(), |at| path + at);
    format!(
        "{}{}{}",
        &name[..path],
        name[path..end].to_ascii_lowercase(),
        &name[end..]
    )
}

/// The API server refuses an empty name, so that no kubelet sees it.
fn kubelet_event(value: &str, error: &ReferenceError) -> Option<Event> {
    let reason = match error {
        ReferenceError::Empty => return None,
        ReferenceError::UpperCase(name) => {
            format!("invalid reference format: repository name ({name}) must be lowercase")
        }
        ReferenceError::ImageId(id) => {
            format!("invalid repository name ({id}), cannot specify 64-byte hexadecimal strings")
        }
        ReferenceError::TooLong(_) => {
            "repository name must not be more than 255 characters".to_owned()
        }
        // The grammar of names takes 32 digits and more; the digest library counts them afterwards.
        ReferenceError::Digest {
            reason: DigestError::Length { actual: 32.., .. },
            ..
        } => "invalid checksum digest length".to_owned(),
        _ => "invalid reference format".to_owned(),
    };
    Some(event::invalid_image_name(value, &reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::subject_for_tests::Case;

    fn help(image: &str) -> String {
        let finding = Case::image(image).only_finding(&RULE);
        finding.help.unwrap_or_default()
    }

    #[test]
    fn the_name_that_was_meant_is_offered() {
        for (written, meant) in [
            ("nginx:1.27 ", "nginx:1.27"),
            ("https://ghcr.io/team/app:1", "ghcr.io/team/app:1"),
            ("docker://Team/App:V1", "team/app:V1"),
            ("ghcr.io/Team/App:V1", "ghcr.io/team/app:V1"),
            ("Nginx", "nginx"),
            ("https://ghcr.io/team/app/", "ghcr.io/team/app"),
        ] {
            assert_eq!(help(written), format!("Write `{meant}`."), "{written}");
        }
    }

    #[test]
    fn what_nobody_can_mend_gets_the_form() {
        for written in ["", "::::", "a___b", "nginx@sha256:12", "two words"] {
            assert!(help(written).contains("host/repository:tag"), "{written}");
        }
    }

    #[test]
    fn the_event_has_the_kubelets_words() {
        let message = |image: &str| {
            Case::image(image)
                .only_finding(&RULE)
                .event
                .map(|event| event.message)
        };
        assert_eq!(
            message("ee::::").as_deref(),
            Some(
                "Failed to apply default image tag \"ee::::\": couldn't parse image name \"ee::::\": invalid reference format"
            )
        );
        assert_eq!(
            message("ACTOKEY").as_deref(),
            Some(
                "Failed to apply default image tag \"ACTOKEY\": couldn't parse image name \"ACTOKEY\": invalid reference format: repository name (library/ACTOKEY) must be lowercase"
            )
        );
        assert_eq!(message(""), None);
    }

    #[test]
    fn valid_names_and_placeholders_are_none_of_its_business() {
        for image in ["nginx", "ghcr.io/team/app:1", "app:${TAG}"] {
            Case::image(image).has_no_finding(&RULE);
        }
    }
}
