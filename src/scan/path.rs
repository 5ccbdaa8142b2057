//! Paths inside an image.

/// A path from the root, without `/` in front, empty parts, `.` and `..`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cleaned {
    pub path: Vec<u8>,
    /// Whether it would lead above the root. Container runtimes then stay in it (containerd `pkg/archive/tar.go` with
    /// `fs.RootPath`), or refuse the layer (moby `pkg/archive`, `breakoutError`).
    pub escapes: bool,
}

/// Cleans a path of an archive.
pub(super) fn cleaned(path: &[u8]) -> Cleaned {
    let mut clean = Vec::with_capacity(path.len());
    let mut escapes = false;
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if clean.is_empty() => escapes = true,
            b".." => {
                let cut = clean.iter().rposition(|byte| *byte == b'/');
                clean.truncate(cut.unwrap_or(0));
            }
            _ => {
                if !clean.is_empty() {
                    clean.push(b'/');
                }
                clean.extend_from_slice(part);
            }
        }
    }
    Cleaned {
        path: clean,
        escapes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_and_stay_in_the_root() {
        for (written, clean, leads_out) in [
            ("./usr/bin/", "usr/bin", false),
            ("/etc//passwd", "etc/passwd", false),
            ("a/../b", "b", false),
            ("a/../../b", "b", true),
            ("../..", "", true),
            ("./", "", false),
            ("...", "...", false),
        ] {
            let found = cleaned(written.as_bytes());
            assert_eq!(
                (found.path.as_slice(), found.escapes),
                (clean.as_bytes(), leads_out),
                "{written}"
            );
        }
    }
}
