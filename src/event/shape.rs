//! The shape of a message: its words without what differs from pod to pod.

use std::sync::LazyLock;

use regex::Regex;

use super::clues::Clues;

/// Hexadecimal digits in a row from which on they are taken for a digest or an identifier.
const MIN_IDENTIFIER: usize = 12;
/// Decimal digits in a row from which on they are taken for a number that means nothing. Three are a status.
const MIN_NUMBER: usize = 4;

/// What stands for the image in a shape.
const IMAGE: &str = "registry/image";

/// The text of `clues` with the image, identifiers and long numbers replaced. Messages of one shape, about images for which
/// the same conditions hold, mean the same; and no word of an image's name is taken for a word of the message.
#[must_use]
pub(super) fn shape(clues: &Clues) -> String {
    let mut text = without_numbers(&clues.text);
    if let Some(image) = clues.image.as_deref().map(without_numbers) {
        text = replaced(&text, &image, IMAGE);
        let short = image
            .strip_prefix("docker.io/")
            .map(|name| name.strip_prefix("library/").unwrap_or(name));
        if let Some(short) = short {
            text = replaced(&text, short, IMAGE);
        }
    }
    if let Some(reference) = &clues.reference {
        let repository = without_numbers(reference.repository());
        text = text.replace(&format!("/v2/{repository}/"), "/v2/name/");
        text = replaced(&text, &without_numbers(&reference.name()), IMAGE);
        if let Some(tag) = reference.tag().map(without_numbers) {
            text = text.replace(&format!("/manifests/{tag}"), "/manifests/tag");
        }
    }
    text
}

/// The text with `name` replaced where it stands as a word of its own.
fn replaced(text: &str, name: &str, by: &str) -> String {
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    let mut replaced = String::with_capacity(text.len());
    let mut kept = 0;
    for (at, _) in text.match_indices(name).filter(|_| !name.is_empty()) {
        let end = at + name.len();
        let stands_alone =
            !text[..at].ends_with(is_of_name) && !text[end..].starts_with(is_of_name);
        if stands_alone {
            replaced.push_str(&text[kept..at]);
            replaced.push_str(by);
            kept = end;
        }
    }
    replaced.push_str(&text[kept..]);
    replaced
}

/// The text with identifiers and long numbers replaced by `#`.
fn without_numbers(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut shape = String::with_capacity(text.len());
    let mut kept = 0;
    let mut at = 0;
    while at < bytes.len() {
        let identifier = run(&bytes[at..], u8::is_ascii_hexdigit);
        let number = run(&bytes[at..], u8::is_ascii_digit);
        let is_inside_a_word = at > 0 && bytes[at - 1].is_ascii_alphabetic();
        if !is_inside_a_word && (identifier >= MIN_IDENTIFIER || number >= MIN_NUMBER) {
            shape.push_str(&text[kept..at]);
            shape.push('#');
            at += identifier.max(number);
            kept = at;
        } else {
            at += identifier.max(1);
        }
    }
    shape.push_str(&text[kept..]);
    shape
}

/// What stands before the reason of a failure, in the words of the kubelet, of gRPC and of the runtimes.
static LEAD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"desc = |(?:[Pp]ull and unpack|[Uu]npack|[Pp]ull(?:ing)?) image "?registry/image"?: "#,
    )
    .ok()
});
/// What a log puts behind a message: fields, and the end of a list.
static TRAIL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"["\]\s,]*\s(?:image|pod|podUID|containerName|logger|pod-uid|namespace)=.*$|["'\]}.,\s]+$"#).ok()
});
/// What differs at every try: addresses, identifiers, and what is signed.
static PASSING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)\b\d{1,3}(?:\.\d{1,3}){3}\b(?::[\d#]+)?|\[[0-9a-f:#]*:[0-9a-f:#]*\](?::[\d#]+)?|\b[0-9a-f#]+(?:-[0-9a-f#]+){4}\b|\?[^\s"]+|(?:identifier|request ?id)["':=> ]+[\w#.-]+"#,
    )
    .ok()
});

/// The reason that a shape gives, so that two messages that say the same are equal wherever they were logged and from whichever
/// address they speak.
#[must_use]
pub(super) fn core(shape: &str) -> String {
    let lead = LEAD.as_ref().and_then(|lead| lead.find_iter(shape).last());
    let reason = &shape[lead.map_or(0, |lead| lead.end())..];
    let trail = TRAIL.as_ref().and_then(|trail| trail.find(reason));
    let reason = &reason[..trail.map_or(reason.len(), |trail| trail.start())];
    match &*PASSING {
        Some(passing) => passing.replace_all(reason, "#").into_owned(),
        None => reason.to_owned(),
    }
}

/// How many of the first bytes are of a kind.
fn run(bytes: &[u8], is: impl Fn(&u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| is(byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape_of(message: &str) -> String {
        shape(&Clues::of(message, None, None))
    }

    #[test]
    fn messages_about_different_images_have_one_shape() {
        let message = |name: &str, tag: &str, digest: &str| {
            format!(
                "Failed to pull image \"{name}:{tag}\": failed to pull and unpack image \"docker.io/{name}:{tag}\": unexpected \
                 status from HEAD request to https://registry-1.docker.io/v2/{name}/manifests/{tag}: 403 sha256:{digest}"
            )
        };
        let one = shape_of(&message("team/app", "1.0", &"a1".repeat(32)));
        let other = shape_of(&message("acme/web", "v2", &"0f".repeat(32)));
        assert_eq!(one, other);
        assert!(one.contains(": 403 "), "{one}");
    }

    #[test]
    fn every_form_is_a_regular_expression() {
        assert!(LEAD.is_some() && TRAIL.is_some() && PASSING.is_some());
    }

    #[test]
    fn the_reason_has_no_address_and_no_signature() {
        let core_of = |message: &str| core(&shape_of(message));
        for (one, other) in [
            (
                "Failed to pull image \"a.io/x:1\": rpc error: code = Unknown desc = read udp 10.4.1.7:4->10.0.0.10:53: i/o timeout",
                "Failed to pull image \"a.io/x:1\": rpc error: code = Unknown desc = read udp 10.4.2.9:51->10.0.0.11:53: i/o timeout",
            ),
            (
                "failed to do request: Get \"https://s3.example/x?X-Amz-Signature=a1\": EOF",
                "failed to do request: Get \"https://s3.example/x?X-Amz-Signature=b2\": EOF",
            ),
            (
                "Request is prohibited. vpcServiceControlsUniqueIdentifier: 6fL-x_1",
                "Request is prohibited. vpcServiceControlsUniqueIdentifier: Qr3-y_2",
            ),
        ] {
            assert_eq!(core_of(one), core_of(other));
        }
        assert_ne!(
            core_of("a.io/x:1: 403 Forbidden"),
            core_of("a.io/x:1: 401 Unauthorized")
        );
    }

    #[test]
    fn words_with_digits_stay() {
        for text in ["0xc0370101", "AADSTS7000222", "linux/arm64/v8", "x509: bad"] {
            assert_eq!(without_numbers(text), text);
        }
        assert_eq!(
            without_numbers("10.0.0.1:40001->1.2.3.4:443"),
            "10.0.0.1:#->1.2.3.4:443"
        );
    }
}
