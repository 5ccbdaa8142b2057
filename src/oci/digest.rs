//! Content digests.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256, Sha384, Sha512};
use thiserror::Error;

/// The digest of some content: `algorithm:hex`.
///
/// Source: OCI image-spec `descriptor.md`, "Digests" and "Registered Algorithms"; `sha384` is accepted by the Go library
/// that the kubelet and containerd parse names with (`opencontainers/go-digest`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

/// Why a text is no digest.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DigestError {
    /// There is no `algorithm:` in front.
    #[error("a digest has the form sha256:<64 hexadecimal digits>")]
    Form,
    /// The algorithm is none that a container runtime verifies.
    #[error("the digest algorithm \"{0}\" is not supported, use sha256")]
    Algorithm(String),
    /// The number of hexadecimal digits is wrong.
    #[error("a {algorithm} digest has {expected} hexadecimal digits, this one has {actual}")]
    Length {
        /// The algorithm as written.
        algorithm: String,
        /// How many digits it has.
        expected: usize,
        /// How many digits were written.
        actual: usize,
    },
    /// A character is no lower-case hexadecimal digit.
    #[error("a digest has only the digits 0-9 and a-f, in lower case")]
    Digits,
}

impl Digest {
    /// The sha256 digest of `content`.
    #[must_use]
    pub fn sha256_of(content: &[u8]) -> Self {
        Self(written("sha256", &Sha256::digest(content)))
    }

    /// Whether `content` has this digest.
    #[must_use]
    pub fn verifies(&self, content: &[u8]) -> bool {
        let actual = match self.algorithm() {
            "sha256" => written("sha256", &Sha256::digest(content)),
            "sha384" => written("sha384", &Sha384::digest(content)),
            _ => written("sha512", &Sha512::digest(content)),
        };
        actual == self.0
    }

    /// The part before the colon.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        self.0
            .split_once(':')
            .map_or("", |(algorithm, _)| algorithm)
    }

    /// The part behind the colon.
    #[must_use]
    pub fn hex(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, hex)| hex)
    }

    /// `algorithm:hex`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The algorithm and the first twelve hexadecimal digits: enough for a person to tell two digests apart.
    #[must_use]
    pub fn short(&self) -> String {
        self.0.chars().take(self.algorithm().len() + 13).collect()
    }
}

/// Takes content in pieces and gives its digest.
#[derive(Debug, Clone)]
pub enum Hasher {
    /// sha256.
    Sha256(Sha256),
    /// sha384.
    Sha384(Sha384),
    /// sha512.
    Sha512(Sha512),
}

impl Hasher {
    /// A hasher of the algorithm that `digest` has, so that the two can be compared.
    #[must_use]
    pub fn like(digest: &Digest) -> Self {
        match digest.algorithm() {
            "sha256" => Self::Sha256(Sha256::new()),
            "sha384" => Self::Sha384(Sha384::new()),
            _ => Self::Sha512(Sha512::new()),
        }
    }

    /// A hasher of sha256.
    #[must_use]
    pub fn sha256() -> Self {
        Self::Sha256(Sha256::new())
    }

    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(piece),
            Self::Sha384(hasher) => hasher.update(piece),
            Self::Sha512(hasher) => hasher.update(piece),
        }
    }

    /// The digest of all pieces.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest(match self {
            Self::Sha256(hasher) => written("sha256", &hasher.finalize()),
            Self::Sha384(hasher) => written("sha384", &hasher.finalize()),
            Self::Sha512(hasher) => written("sha512", &hasher.finalize()),
        })
    }
}

fn written(algorithm: &str, hash: &[u8]) -> String {
    let mut text = String::with_capacity(algorithm.len() + 1 + hash.len() * 2);
    text.push_str(algorithm);
    text.push(':');
    let digits = hash.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    text.extend(digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)));
    text
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (algorithm, hex) = text.split_once(':').ok_or(DigestError::Form)?;
        let expected = match algorithm {
            "sha256" => 64,
            "sha384" => 96,
            "sha512" => 128,
            "" => return Err(DigestError::Form),
            other => return Err(DigestError::Algorithm(other.to_owned())),
        };
        if !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(DigestError::Digits);
        }
        if hex.len() != expected {
            return Err(DigestError::Length {
                algorithm: algorithm.to_owned(),
                expected,
                actual: hex.len(),
            });
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_held_against_the_digest_of_each_algorithm() {
        for text in [
            "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
            "sha384:59e1748777448c69de6b800d7a33bbfb9ff1b463e44354c3553bcdb9c666fa90125a3c79f90397bdf5f6a13de828684f",
            "sha512:9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca72323c3d99ba5c11d7c7acc6e14b8c5da0c4663475c2e5c3adef46f73bcdec043",
        ] {
            let digest: Digest = text.parse().expect(text);
            assert!(digest.verifies(b"hello"), "{text}");
            assert!(!digest.verifies(b"hello!"), "{text}");
        }
        assert_eq!(Digest::sha256_of(b"hello").short(), "sha256:2cf24dba5fb0");
    }

    #[test]
    fn a_text_that_is_no_digest_says_why() {
        let upper = format!("sha256:{}", "A".repeat(64));
        for (text, why) in [
            ("2cf24d", "a digest has the form"),
            (":2cf24d", "a digest has the form"),
            ("md5:2cf24d", "\"md5\" is not supported"),
            ("sha256:2cf24d", "64 hexadecimal digits, this one has 6"),
            ("sha256:../../etc/passwd", "only the digits"),
            (&upper, "lower case"),
        ] {
            let error = text.parse::<Digest>().expect_err(text).to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
