//! Which existing tags were perhaps meant.

use serde::Deserialize;

/// How many tags are offered.
const MAX_OFFERED: usize = 3;
/// How alike two tags are at least, from 0 to 1.
const MIN_LIKENESS: f64 = 0.6;

/// The answer to "which tags are there" (OCI distribution-spec, "Listing Tags").
#[derive(Deserialize)]
struct List {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

/// The tags that a registry lists, as far as they are tags.
pub(super) fn read(body: &[u8]) -> Vec<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    serde_json::from_slice::<List>(body)
        .ok()
        .and_then(|list| list.tags)
        .unwrap_or_default()
        .into_iter()
        .filter(|tag| !tag.is_empty() && tag.len() <= 128 && tag.chars().all(is_word))
        .collect()
}

/// The tags most like `wanted`, best first. What tags have in common at their beginning counts most, as in versions.
pub(super) fn nearest(wanted: &str, tags: &[String]) -> Vec<String> {
    let mut ranked: Vec<(f64, &String)> = tags
        .iter()
        .map(|tag| (strsim::jaro_winkler(wanted, tag), tag))
        .filter(|(likeness, _)| *likeness >= MIN_LIKENESS)
        .collect();
    ranked.sort_by(|(a, left), (b, right)| b.total_cmp(a).then_with(|| left.cmp(right)));
    ranked
        .into_iter()
        .take(MAX_OFFERED)
        .map(|(_, tag)| tag.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_alike_tags_come_first() {
        let tags = [
            "latest",
            "1.27.4",
            "1.27.3",
            "1.26.0",
            "v1.27.3-alpine",
            "nightly",
        ]
        .map(str::to_owned);
        assert_eq!(nearest("1.27.33", &tags), ["1.27.3", "1.27.4", "1.26.0"]);
        assert_eq!(nearest("lastest", &tags), ["latest"]);
        assert_eq!(nearest("q", &tags), Vec::<String>::new());
    }

    #[test]
    fn only_tags_are_read() {
        let body = br#"{"name":"a","tags":["1","a b","\u001b[31m","","ok_2"]}"#;
        assert_eq!(read(body), ["1", "ok_2"]);
        for body in ["", "{}", r#"{"tags":null}"#, r#"{"tags":7}"#] {
            assert_eq!(read(body.as_bytes()), Vec::<String>::new());
        }
    }
}
