//! What a node's operating system is.

/// The operating system of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperatingSystem {
    /// `linux` or `windows`, as Go's GOOS.
    pub name: &'static str,
    /// The version of Windows, such as `10.0.20348`; none where it is not told.
    pub version: Option<&'static str>,
}

/// The releases of Windows Server and their builds
/// (<https://learn.microsoft.com/windows-server/get-started/windows-server-release-info>).
const WINDOWS_RELEASES: [(&str, &str); 6] = [
    ("2004", "10.0.19041"),
    ("2019", "10.0.17763"),
    ("2022", "10.0.20348"),
    ("2025", "10.0.26100"),
    ("20h2", "10.0.19042"),
    ("1909", "10.0.18363"),
];

impl OperatingSystem {
    /// Linux.
    pub const LINUX: Self = Self {
        name: "linux",
        version: None,
    };

    /// The operating system that a provider's name of a node image says, such as `WINDOWS_LTSC_CONTAINERD`,
    /// `WINDOWS_CORE_2022_x86_64`, `WindowsServer2019FullContainer` or `windows2022@latest`. Every name without `windows`
    /// is Linux: no provider makes nodes of a third kind.
    #[must_use]
    pub fn of_node_image(image: &str) -> Self {
        let image = image.to_ascii_lowercase();
        if !image.contains("windows") {
            return Self::LINUX;
        }
        let release = WINDOWS_RELEASES
            .iter()
            .find(|(release, _)| image.contains(release));
        Self {
            name: "windows",
            version: release.map(|(_, version)| *version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_images_tell_the_operating_system() {
        for (image, name, version) in [
            ("COS_CONTAINERD", "linux", None),
            ("windows_ltsc_containerd", "windows", None),
            ("WINDOWS_CORE_2022_x86_64", "windows", Some("10.0.20348")),
            (
                "WindowsServer2019FullContainer",
                "windows",
                Some("10.0.17763"),
            ),
            ("windows2025@latest", "windows", Some("10.0.26100")),
            ("AL2023_ARM_64_STANDARD", "linux", None),
        ] {
            let found = OperatingSystem::of_node_image(image);
            assert_eq!((found.name, found.version), (name, version), "{image}");
        }
    }
}
