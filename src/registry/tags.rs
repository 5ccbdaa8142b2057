//! Which existing tags were perhaps meant, and which are older.

use serde::Deserialize;

/// How many tags are offered.
const MAX_OFFERED: usize = 3;
/// How alike two tags are at least, from 0 to 1.
const MIN_LIKENESS: f64 = 0.6;

/// The most tags without an order that are asked about.
const MAX_ALIKE: usize = 40;

/// The answer to "which tags are there" (OCI distribution-spec, "Listing Tags").
#[derive(Deserialize)]
struct List {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

/// The tags that a registry lists, as far as they are tags; none where the body is no list.
pub(super) fn read(body: &[u8]) -> Option<Vec<String>> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let list: List = serde_json::from_slice(body).ok()?;
    let tags = list.tags.unwrap_or_default().into_iter();
    let tags = tags
        .filter(|tag| !tag.is_empty() && tag.len() <= 128 && tag.chars().all(is_word))
        .filter(|tag| !tag.starts_with(['.', '-']));
    Some(tags.collect())
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

/// The tags of older versions, newest first: those that are written like `tag`, with lower numbers. `1.4.2-alpine` is older
/// than `1.5.0-alpine`; `1.4`, `v1.4.2` and `1.4.2` are other series. A tag without a number has none before it.
pub(super) fn older(tag: &str, tags: &[String]) -> Vec<String> {
    let Some(version) = Version::of(tag) else {
        return Vec::new();
    };
    let mut older: Vec<(Version<'_>, &String)> = tags
        .iter()
        .filter_map(|other| Some((Version::of(other)?, other)))
        .filter(|(other, _)| other.is_older_than(&version))
        .collect();
    older.sort_by(|(left, _), (right, _)| right.numbers.cmp(&left.numbers));
    older.into_iter().map(|(_, tag)| tag.clone()).collect()
}

/// The other tags that are written like `tag`, where hashes of commits are in the place of a version, so that only time orders
/// them: `main-0a1b2c3` and `main-4d5e6f7`. None where there are more than can be asked about one by one.
pub(super) fn alike(tag: &str, tags: &[String]) -> Vec<String> {
    let shape = shape(tag);
    if Version::of(tag).is_some() || !shape.contains(HASH) {
        return Vec::new();
    }
    let others = tags.iter().filter(|other| *other != tag);
    let alike: Vec<String> = others
        .filter(|other| self::shape(other) == shape)
        .cloned()
        .collect();
    if alike.len() > MAX_ALIKE {
        return Vec::new();
    }
    alike
}

/// Stands for a hash. No tag has it.
const HASH: char = '#';

/// A tag without what is another in each: hashes.
fn shape(tag: &str) -> String {
    let words = tag.split_inclusive(['-', '.', '_']).map(|word| {
        let name = word.trim_end_matches(['-', '.', '_']);
        if is_hash(name) {
            format!("{HASH}{}", &word[name.len()..])
        } else {
            word.to_owned()
        }
    });
    words.collect()
}

/// Whether a word may be the hash of a commit, whole or shortened as git does.
fn is_hash(word: &str) -> bool {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (7..=64).contains(&word.len()) && word.bytes().all(is_hex)
}

/// A tag that is a version: numbers with dots between them, and words around them.
struct Version<'t> {
    before: &'t str,
    numbers: Vec<u64>,
    /// Hashes in it are another in each tag.
    after: String,
}

impl<'t> Version<'t> {
    fn of(tag: &'t str) -> Option<Self> {
        let (before, rest) = tag.split_at(tag.find(|c: char| c.is_ascii_digit())?);
        let start = before.rfind(['-', '.', '_']).map_or(0, |at| at + 1);
        let word = tag[start..]
            .split(['-', '.', '_'])
            .next()
            .unwrap_or_default();
        // Dates and numbers of builds are all digits.
        if is_hash(word) && !word.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (numbers, after) = rest.split_at(end.unwrap_or(rest.len()));
        let numbers: Result<Vec<u64>, _> = numbers.split('.').map(str::parse).collect();
        Some(Self {
            before,
            numbers: numbers.ok()?,
            after: shape(after),
        })
    }

    fn is_older_than(&self, other: &Self) -> bool {
        let is_alike = (self.before, &self.after) == (other.before, &other.after)
            && self.numbers.len() == other.numbers.len();
        is_alike && self.numbers < other.numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_versions_are_written_alike_and_come_newest_first() {
        let tags = [
            "1.9.0",
            "1.10.0",
            "1.10.1",
            "2.0.0",
            "1.10",
            "v1.9.9",
            "1.8.0-alpine",
            "latest",
            "1..0",
            "99999999999999999999999.0.0",
        ]
        .map(str::to_owned);
        assert_eq!(older("1.10.1", &tags), ["1.10.0", "1.9.0"]);
        assert_eq!(older("1.9.0-alpine", &tags), ["1.8.0-alpine"]);
        assert_eq!(older("v2.0.0", &tags), ["v1.9.9"]);
        for alone in ["latest", "1.9.0", "3", ""] {
            assert_eq!(older(alone, &tags), Vec::<String>::new(), "{alone}");
        }
    }

    #[test]
    fn a_hash_behind_a_version_is_another_in_each_tag() {
        let tags = [
            "1.2.0-0a1b2c3",
            "1.1.0-99aabbc",
            "1.1.0-alpine",
            "20260102-1234567",
        ]
        .map(str::to_owned);
        assert_eq!(older("1.2.0-4d5e6f7", &tags), ["1.1.0-99aabbc"]);
        assert_eq!(older("20260105-0a1b2c3", &tags), ["20260102-1234567"]);
        assert_eq!(older("ff1b2c3", &tags), Vec::<String>::new());
    }

    #[test]
    fn tags_of_hashes_are_alike_and_have_no_order() {
        let tags = [
            "0a1b2c3",
            "1234567",
            "main-0a1b2c3",
            "main-4d5e6f7",
            "latest",
            "1.0",
        ]
        .map(str::to_owned);
        assert_eq!(alike("ff1b2c3", &tags), ["0a1b2c3", "1234567"]);
        assert_eq!(alike("main-0a1b2c3", &tags), ["main-4d5e6f7"]);
        for other in ["latest", "1.1", "v2", ""] {
            assert_eq!(alike(other, &tags), Vec::<String>::new(), "{other}");
        }
        let many: Vec<String> = (0..=MAX_ALIKE)
            .map(|number| format!("{number:07x}"))
            .collect();
        assert_eq!(alike("ff1b2c3", &many), Vec::<String>::new());
        assert_eq!(alike("ff1b2c3", &many[1..]).len(), MAX_ALIKE);
    }

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
        assert_eq!(read(body).expect("a list"), ["1", "ok_2"]);
        for body in ["{}", r#"{"tags":null}"#] {
            assert_eq!(read(body.as_bytes()), Some(Vec::new()), "{body}");
        }
        for body in ["", "[]x", r#"{"tags":7}"#] {
            assert_eq!(read(body.as_bytes()), None, "{body}");
        }
    }
}
