//! Which images one of several machines looks at.

use std::collections::BTreeSet;
use std::str::FromStr;

use thiserror::Error;

use crate::finding::Finding;
use crate::oci::Digest;

/// The `number`-th of `parts` parts of the distinct images, written `2/8`. The parts are about equal, and an image is in the
/// same one on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Partition {
    number: usize,
    parts: usize,
}

/// The part of the images that a run looked at.
#[derive(Debug, Clone)]
pub struct Part {
    /// Which one.
    pub partition: Partition,
    /// How many distinct images all parts hold together, texts that are no image name included.
    pub of_images: usize,
    /// The digest of the names of those images, in order, a line for each: parts of one run have the same.
    pub images: Digest,
    /// The ignores that match nothing in this part. They match nothing at all where every part says so.
    pub unused_ignores: Vec<Finding>,
    /// How many of the ignored findings are about no image, so that every part ignored them.
    pub ignored_by_all: usize,
    /// The findings that the baseline knows, by fingerprint, as far as they are needed to judge [`Part::unused_ignores`].
    pub known: BTreeSet<String>,
}

impl Part {
    /// A part of no images.
    #[must_use]
    pub fn of(partition: Partition) -> Self {
        Self {
            partition,
            of_images: 0,
            images: Digest::sha256_of(&[]),
            unused_ignores: Vec::new(),
            ignored_by_all: 0,
            known: BTreeSet::new(),
        }
    }
}

/// Why a text names no part.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("\"{0}\" is no part: write K/N with K from 1 to N, such as 2/8")]
pub struct PartitionError(pub String);

impl Partition {
    /// The part of that number, from 1; none where there is no such part.
    #[must_use]
    pub fn new(number: usize, parts: usize) -> Option<Self> {
        (1..=parts)
            .contains(&number)
            .then_some(Self { number, parts })
    }

    /// The number of the part, from 1.
    #[must_use]
    pub const fn number(self) -> usize {
        self.number
    }

    /// How many parts there are.
    #[must_use]
    pub const fn parts(self) -> usize {
        self.parts
    }

    /// Whether an image is in this part, by the first 64 bits of the sha256 of its full name.
    #[must_use]
    pub fn holds(self, image: &str) -> bool {
        let digest = Digest::sha256_of(image.as_bytes());
        let first = digest.hex().get(..16).unwrap_or_default();
        let first = u64::from_str_radix(first, 16).unwrap_or_default();
        first % self.parts as u64 == self.number as u64 - 1
    }
}

impl FromStr for Partition {
    type Err = PartitionError;

    fn from_str(text: &str) -> Result<Self, PartitionError> {
        let numbers = text
            .split_once('/')
            .and_then(|(number, parts)| Some((number.parse().ok()?, parts.parse().ok()?)));
        numbers
            .and_then(|(number, parts)| Self::new(number, parts))
            .ok_or_else(|| PartitionError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_one_of_those_that_there_are() {
        assert_eq!(
            "2/8".parse(),
            Ok(Partition {
                number: 2,
                parts: 8
            })
        );
        for text in ["0/3", "4/3", "1/0", "1", "/", "-1/2", "1/2/3", "a/b", ""] {
            let error = text.parse::<Partition>().expect_err(text);
            assert!(error.to_string().contains("write K/N"), "{error}");
        }
    }

    #[test]
    fn each_image_is_in_exactly_one_part_and_the_parts_are_about_equal() {
        let images: Vec<String> = (0..1000).map(|n| format!("ghcr.io/team/app:{n}")).collect();
        let mut seen = 0;
        for number in 1..=8 {
            let part = Partition::new(number, 8).expect("a part");
            let held = images.iter().filter(|image| part.holds(image)).count();
            assert!((80..170).contains(&held), "part {number} holds {held}");
            seen += held;
        }
        assert_eq!(seen, images.len());
    }

    #[test]
    fn the_part_of_an_image_never_changes() {
        let part =
            |image: &str| (1..=3).find(|n| Partition::new(*n, 3).is_some_and(|p| p.holds(image)));
        assert_eq!(part("docker.io/library/nginx:1.27"), Some(3));
    }
}
