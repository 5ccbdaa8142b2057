//! Where the config file and the cache of a run are.

use std::path::{Path, PathBuf};

use super::CONFIG_FILE_NAME;

/// Finds the config file of a run: in the folder of the first path, or in any above it. Below the current folder, it is
/// named as from there, because paths in reports begin with its folder.
#[must_use]
pub fn find_config_file(first_path: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(first_path).ok()?;
    let found = absolute
        .ancestors()
        .map(|folder| folder.join(CONFIG_FILE_NAME))
        .find(|candidate| candidate.is_file())?;
    seen_from_here(vec![found]).pop()
}

/// Paths in the current folder, named as from there: platforms find only such paths in a repository.
pub(super) fn seen_from_here(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let Ok(here) = std::env::current_dir() else {
        return paths;
    };
    let from_here = |path: PathBuf| match path.strip_prefix(&here) {
        Ok(rest) if rest.as_os_str().is_empty() => PathBuf::from("."),
        Ok(rest) => rest.to_owned(),
        Err(_) => path,
    };
    paths.into_iter().map(from_here).collect()
}

/// The folder for this program in the user's cache folder: `XDG_CACHE_HOME`, else the platform's own place.
#[must_use]
pub fn user_cache_folder() -> Option<PathBuf> {
    let folder = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let of_platform = || {
        if cfg!(target_os = "windows") {
            folder("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            Some(folder("HOME")?.join("Library/Caches"))
        } else {
            Some(folder("HOME")?.join(".cache"))
        }
    };
    Some(
        folder("XDG_CACHE_HOME")
            .or_else(of_platform)?
            .join("oci-preflight"),
    )
}
