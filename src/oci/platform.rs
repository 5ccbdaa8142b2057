//! Operating system and architecture.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// What an image runs on, or what a node is: `linux/arm64/v8`. Always in containerd's normal form, so that equal means
/// equal.
///
/// Source: containerd `platforms` v1.0.0-rc, `database.go` (`normalizeArch`, `normalizeOS`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    /// `linux`, `windows`, … as Go's GOOS.
    pub os: String,
    /// `amd64`, `arm64`, … as Go's GOARCH.
    pub architecture: String,
    /// The variant: `v7` for arm, `v2` for amd64. `v8` of arm64 and `v1` of amd64 are normalised away.
    pub variant: Option<String>,
    /// The version of a Windows base image, such as `10.0.20348.1`.
    pub os_version: Option<String>,
}

/// How the program that pulls matches the entries of an index against its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Matching {
    /// containerd up to 2.0, and later where its configuration keeps the local pull: an amd64 node also takes 386, an
    /// arm64 node also takes 32-bit Arm (`platforms.Only`).
    LocalPull,
    /// containerd from 2.1 on, through its transfer service: nothing but the node's own platform (`platforms.Ordered`).
    TransferService,
    /// CRI-O: the node's own platform, and on 32-bit Arm the older variants (containers/image,
    /// `internal/pkg/platform/platform_matcher.go`).
    CriO,
}

impl Matching {
    /// Architectures and variants that a node takes, best first.
    fn wanted(self, node: &Platform) -> Vec<(&str, Option<&str>)> {
        const OLDER: [(u8, &str); 4] = [(8, "v8"), (7, "v7"), (6, "v6"), (5, "v5")];
        match (self, node.architecture.as_str(), node.variant.as_deref()) {
            (Self::LocalPull, "amd64", None) => vec![("amd64", None), ("386", None)],
            (Self::LocalPull, "arm64", None) => {
                let older = OLDER.iter().map(|&(_, name)| ("arm", Some(name)));
                std::iter::once(("arm64", None)).chain(older).collect()
            }
            (Self::LocalPull | Self::CriO, "arm", Some(variant)) => {
                let level = variant.trim_start_matches('v').parse().unwrap_or(7_u8);
                let older = OLDER.iter().filter(|(number, _)| *number <= level);
                older.map(|&(_, name)| ("arm", Some(name))).collect()
            }
            (_, architecture, variant) => vec![(architecture, variant)],
        }
    }
}

/// Why a text is no platform.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "\"{0}\" is no platform: write OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT, such as linux/arm64"
)]
pub struct PlatformError(pub String);

impl Platform {
    /// The normal form of these words. Empty variants and versions count as none.
    #[must_use]
    pub fn new(
        os: &str,
        architecture: &str,
        variant: Option<&str>,
        os_version: Option<&str>,
    ) -> Self {
        let os = match os.to_ascii_lowercase().as_str() {
            "macos" => "darwin".to_owned(),
            other => other.to_owned(),
        };
        let variant = variant.unwrap_or_default().to_ascii_lowercase();
        let (architecture, variant) = match architecture.to_ascii_lowercase().as_str() {
            "i386" => ("386".to_owned(), String::new()),
            "x86_64" | "x86-64" | "amd64" => (
                "amd64".to_owned(),
                if variant == "v1" {
                    String::new()
                } else {
                    variant
                },
            ),
            "aarch64" | "arm64" => (
                "arm64".to_owned(),
                match variant.as_str() {
                    "8" | "v8" | "v8.0" => String::new(),
                    "9" | "9.0" | "v9.0" => "v9".to_owned(),
                    _ => variant,
                },
            ),
            "armhf" => ("arm".to_owned(), "v7".to_owned()),
            "armel" => ("arm".to_owned(), "v6".to_owned()),
            "arm" => (
                "arm".to_owned(),
                match variant.as_str() {
                    "" | "7" => "v7".to_owned(),
                    "5" | "6" | "8" => format!("v{variant}"),
                    _ => variant,
                },
            ),
            other => (other.to_owned(), variant),
        };
        Self {
            os,
            architecture,
            variant: Some(variant).filter(|text| !text.is_empty()),
            os_version: os_version
                .map(ToOwned::to_owned)
                .filter(|text| !text.is_empty()),
        }
    }

    /// `linux/amd64`.
    #[must_use]
    pub fn linux_amd64() -> Self {
        Self::new("linux", "amd64", None, None)
    }

    /// Whether an index entry with this platform is an attestation and no image: `BuildKit` writes `unknown/unknown`.
    #[must_use]
    pub fn is_attestation(&self) -> bool {
        self.os == "unknown" && self.architecture == "unknown"
    }

    /// How well a node of platform `node` is served by an image of this platform: 0 is best, `None` does not run.
    ///
    /// These are the rules of containerd's local pull, the most generous of [`Matching`].
    #[must_use]
    pub fn rank_on(&self, node: &Self) -> Option<usize> {
        self.rank_by(Matching::LocalPull, node)
    }

    /// The same, by the rules of the program that pulls. An amd64 node takes no `v2` or later by any of them, because its
    /// own variant is not known to the matcher.
    #[must_use]
    pub fn rank_by(&self, matching: Matching, node: &Self) -> Option<usize> {
        if self.os != node.os || !self.windows_version_runs_on(node) {
            return None;
        }
        matching
            .wanted(node)
            .iter()
            .position(|&(architecture, variant)| {
                self.architecture == architecture && self.variant.as_deref() == variant
            })
    }

    /// Whether an image of this platform runs on a node of platform `node`.
    #[must_use]
    pub fn runs_on(&self, node: &Self) -> bool {
        self.rank_on(node).is_some()
    }

    /// containerd `platforms/platform_windows_compat.go`: before Windows Server 2022 (build 20348) the builds are equal;
    /// from it on, a host takes the builds from 20348 up to its own. A version that is not given matches.
    fn windows_version_runs_on(&self, node: &Self) -> bool {
        const WINDOWS_SERVER_2022: u32 = 20_348;
        let (Some(image), Some(host)) = (self.windows_build(), node.windows_build()) else {
            return true;
        };
        if host < WINDOWS_SERVER_2022 {
            image == host
        } else {
            (WINDOWS_SERVER_2022..=host).contains(&image)
        }
    }

    fn windows_build(&self) -> Option<u32> {
        if self.os != "windows" {
            return None;
        }
        self.os_version.as_deref()?.split('.').nth(2)?.parse().ok()
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let is_word = |part: &&str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        };
        let parts: Vec<&str> = text.split('/').collect();
        if !parts.iter().all(is_word) {
            return Err(PlatformError(text.to_owned()));
        }
        match parts.as_slice() {
            [os, architecture] => Ok(Self::new(os, architecture, None, None)),
            [os, architecture, variant] => Ok(Self::new(os, architecture, Some(variant), None)),
            _ => Err(PlatformError(text.to_owned())),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        if let Some(variant) = &self.variant {
            write!(f, "/{variant}")?;
        }
        if let Some(version) = &self.os_version {
            write!(f, " ({version})")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        text.parse().expect(text)
    }

    #[test]
    fn spellings_of_one_platform_are_equal() {
        for (written, normal) in [
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("Linux/X86_64/v1", "linux/amd64"),
            ("linux/arm", "linux/arm/v7"),
            ("linux/armel", "linux/arm/v6"),
            ("linux/arm/6", "linux/arm/v6"),
            ("macos/arm64", "darwin/arm64"),
        ] {
            assert_eq!(platform(written).to_string(), normal);
        }
    }

    #[test]
    fn a_text_that_is_no_platform_is_refused() {
        for text in [
            "",
            "linux",
            "linux/",
            "/amd64",
            "linux/arm/v7/x",
            "linux/am d64",
        ] {
            assert_eq!(
                text.parse::<Platform>(),
                Err(PlatformError(text.to_owned()))
            );
        }
    }

    #[test]
    fn nodes_take_what_containerd_lets_them_take() {
        for (image, node, runs) in [
            ("linux/amd64", "linux/amd64", true),
            ("linux/386", "linux/amd64", true),
            ("linux/amd64/v2", "linux/amd64", false),
            ("linux/amd64", "linux/arm64", false),
            ("linux/arm/v7", "linux/arm64", true),
            ("linux/arm64/v9", "linux/arm64", false),
            ("linux/arm/v6", "linux/arm/v7", true),
            ("linux/arm/v7", "linux/arm/v6", false),
            ("windows/amd64", "linux/amd64", false),
            ("linux/s390x", "linux/s390x", true),
        ] {
            assert_eq!(
                platform(image).runs_on(&platform(node)),
                runs,
                "{image} on {node}"
            );
        }
    }

    #[test]
    fn each_generation_matches_by_its_own_rules() {
        use Matching::{CriO, LocalPull, TransferService};
        for (image, node, takers) in [
            (
                "linux/amd64",
                "linux/amd64",
                &[LocalPull, TransferService, CriO][..],
            ),
            ("linux/386", "linux/amd64", &[LocalPull]),
            ("linux/arm/v7", "linux/arm64", &[LocalPull]),
            (
                "linux/arm64/v8",
                "linux/arm64",
                &[LocalPull, TransferService, CriO],
            ),
            ("linux/amd64/v3", "linux/amd64", &[]),
            ("linux/arm/v6", "linux/arm/v7", &[LocalPull, CriO]),
            (
                "linux/arm/v7",
                "linux/arm/v7",
                &[LocalPull, TransferService, CriO],
            ),
        ] {
            for matching in [LocalPull, TransferService, CriO] {
                let takes = platform(image).rank_by(matching, &platform(node)).is_some();
                assert_eq!(
                    takes,
                    takers.contains(&matching),
                    "{image} on {node}, {matching:?}"
                );
            }
        }
    }

    #[test]
    fn a_node_prefers_its_own_platform() {
        let node = platform("linux/arm64");
        assert!(platform("linux/arm64").rank_on(&node) < platform("linux/arm/v7").rank_on(&node));
    }

    #[test]
    fn windows_builds_decide_on_windows() {
        let windows = |version| Platform::new("windows", "amd64", None, Some(version));
        for (image, node, runs) in [
            ("10.0.17763.1040", "10.0.17763.5", true),
            ("10.0.17763.1040", "10.0.20348.5", false),
            ("10.0.20348.1", "10.0.26100.1", true),
            ("10.0.26100.1", "10.0.20348.1", false),
        ] {
            assert_eq!(
                windows(image).runs_on(&windows(node)),
                runs,
                "{image} on {node}"
            );
        }
    }
}
