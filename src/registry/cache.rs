//! What earlier runs fetched, on disk.
//!
//! Content is kept under its digest and verified when it is read, so that a spoilt or forged file is only a miss. What one
//! reference needs is kept once more in one file ([`Bundle`]), because thousands of small files are slow to read. A tag is
//! never trusted: the bundle says which digest it had, to know that asking for the digest alone (`HEAD`) is worth it. Errors
//! are never kept.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::bundle::{Bundle, MAX_BUNDLE_BYTES};
use crate::oci::{Digest, Reference};

/// How many bytes the cache may have at the end of a run. Most manifests and configs have a few kilobytes.
const MAX_BYTES: u64 = 256 * 1024 * 1024;
/// The folder of this format inside the cache folder. A later format gets another name.
const FORMAT: &str = "v2";
/// The hexadecimal digits of a sha256 checksum.
const CHECK_BYTES: usize = 64;
/// How old the note may be that a file is in use.
const USED: Duration = Duration::from_hours(24);

/// A cache folder. Runs may share it: files appear whole, by renaming, and never change.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    written: AtomicU64,
}

impl Cache {
    /// The cache in `folder`, which need not be there yet.
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.join(FORMAT),
            written: AtomicU64::new(0),
        }
    }

    /// The content with this digest, if it is there and sound.
    pub(super) fn content(&self, digest: &Digest, limit: usize) -> Option<Bytes> {
        let content = read(&self.content_path(digest), limit).ok()?;
        digest.verifies(&content).then(|| content.into())
    }

    /// What was read for a reference when it was last asked for.
    pub(super) fn bundle(&self, reference: &Reference) -> Option<Bundle> {
        let file = read(&self.bundle_path(reference), MAX_BUNDLE_BYTES).ok()?;
        Bundle::parse(&file.into())
    }

    /// Keeps content that has this very digest, and says whether it has. Signed schema 1 has not, and is fetched each time.
    pub(super) fn keep(&self, digest: &Digest, content: &[u8]) -> bool {
        let path = self.content_path(digest);
        let is_sound = digest.verifies(content);
        if is_sound && !path.exists() {
            self.write(&path, content);
        }
        is_sound
    }

    /// What was found in the content with this digest, if it is there and sound.
    pub(super) fn facts(&self, digest: &Digest, limit: usize) -> Option<Vec<u8>> {
        let kept = read(&self.facts_path(digest), limit).ok()?;
        let (check, facts) = kept.split_at_checked(CHECK_BYTES)?;
        if check != Digest::sha256_of(facts).hex().as_bytes() {
            return None;
        }
        Some(facts.to_vec())
    }

    /// Keeps what was found in content. A checksum stands in front, for it has not the digest that it is kept under.
    pub(super) fn keep_facts(&self, digest: &Digest, facts: &[u8]) {
        let check = Digest::sha256_of(facts);
        let kept = [check.hex().as_bytes(), facts].concat();
        self.write(&self.facts_path(digest), &kept);
    }

    /// Keeps together what was read for a reference, its manifest first.
    pub(super) fn bind(&self, reference: &Reference, documents: &[(Digest, Bytes)]) {
        self.write(&self.bundle_path(reference), &Bundle::written(documents));
    }

    /// Drops what was longest unused, where the cache has grown too large. Does nothing in a run that wrote nothing.
    pub(super) fn prune(&self) {
        if self.written.load(Ordering::Relaxed) > 0 {
            shrink(&self.folder, MAX_BYTES);
        }
    }

    /// Removes all that a cache folder holds, and says how many bytes that were. Other files in it are left alone.
    ///
    /// # Errors
    ///
    /// When the operating system does not let go of it.
    pub fn clean(folder: &Path) -> io::Result<u64> {
        let folder = folder.join(FORMAT);
        let bytes = files(&folder).iter().map(|file| file.bytes).sum();
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(bytes),
        }
    }

    fn content_path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.folder
            .join(digest.algorithm())
            .join(hex.get(..2).unwrap_or_default())
            .join(hex)
    }

    fn facts_path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.folder
            .join("layers")
            .join(hex.get(..2).unwrap_or_default())
            .join(hex)
    }

    fn bundle_path(&self, reference: &Reference) -> PathBuf {
        let name = Digest::sha256_of(reference.to_string().as_bytes());
        self.folder.join("references").join(name.hex())
    }

    /// Writes a file that only its owner may read: registries may be private. A cache that cannot be written to is a slow
    /// run and no failure.
    fn write(&self, path: &Path, content: &[u8]) {
        if write_whole(path, content).is_ok() {
            self.written
                .fetch_add(content.len() as u64, Ordering::Relaxed);
        }
    }
}

/// The content of a file of at most `limit` bytes. The oldest files are dropped first: this one is in use.
fn read(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    let mut content = match usize::try_from(metadata.len()) {
        Ok(length) if length <= limit => vec![0; length],
        _ => return Err(io::Error::other("it is larger than it may be")),
    };
    file.read_exact(&mut content)?;
    let now = SystemTime::now();
    let is_old = |used: SystemTime| now.duration_since(used).is_ok_and(|age| age > USED);
    if metadata.modified().is_ok_and(is_old) {
        file.set_modified(now)?;
    }
    Ok(content)
}

fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut folders = DirBuilder::new();
    folders.recursive(true);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
        folders.mode(0o700);
        options.mode(0o600);
    }
    folders.create(folder)?;
    let temporary = folder.join(format!(".{}-{:x}", std::process::id(), fastrand::u64(..)));
    let written = options
        .open(&temporary)
        .and_then(|mut file| file.write_all(content))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Removes the files that were longest unused until four fifths of `limit` are left.
fn shrink(folder: &Path, limit: u64) {
    let mut files = files(folder);
    let mut bytes: u64 = files.iter().map(|file| file.bytes).sum();
    if bytes <= limit {
        return;
    }
    files.sort_by_key(|file| file.used);
    for file in files {
        if bytes <= limit / 5 * 4 {
            return;
        }
        if fs::remove_file(&file.path).is_ok() {
            bytes = bytes.saturating_sub(file.bytes);
        }
    }
}

struct Kept {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

/// All files below a folder of the cache, which is two levels deep.
fn files(folder: &Path) -> Vec<Kept> {
    let mut folders = vec![(folder.to_owned(), 0)];
    let mut files = Vec::new();
    while let Some((folder, level)) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.is_dir() && level < 2 {
                folders.push((entry.path(), level + 1));
            } else if metadata.is_file() {
                files.push(Kept {
                    path: entry.path(),
                    bytes: metadata.len(),
                    used: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
                });
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn content_that_was_changed_on_disk_is_a_miss() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache::new(folder.path());
        let digest = Digest::sha256_of(b"{}");
        assert_eq!(cache.content(&digest, 100), None);
        assert!(cache.keep(&digest, b"{}"));
        assert!(!cache.keep(&digest, b"{ }"), "another digest");
        assert_eq!(
            cache.content(&digest, 100).as_deref(),
            Some(b"{}".as_slice())
        );
        assert_eq!(cache.content(&digest, 1), None, "longer than asked for");
        fs::write(cache.content_path(&digest), "{ }").expect("the file");
        assert_eq!(cache.content(&digest, 100), None);
    }

    #[test]
    fn facts_that_were_changed_on_disk_are_a_miss() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache::new(folder.path());
        let digest = Digest::sha256_of(b"layer");
        assert_eq!(cache.facts(&digest, 100), None);
        cache.keep_facts(&digest, b"facts");
        assert_eq!(cache.facts(&digest, 100).as_deref(), Some(&b"facts"[..]));
        assert_eq!(cache.facts(&digest, 10), None, "longer than asked for");
        fs::write(cache.facts_path(&digest), "short").expect("the file");
        assert_eq!(cache.facts(&digest, 100), None);
    }

    #[test]
    fn what_is_read_counts_as_used() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache::new(folder.path());
        let digest = Digest::sha256_of(b"{}");
        cache.keep(&digest, b"{}");
        let age = || {
            let metadata = fs::metadata(cache.content_path(&digest)).expect("kept");
            let used = metadata.modified().expect("a time");
            SystemTime::now().duration_since(used).unwrap_or_default()
        };
        let file = File::open(cache.content_path(&digest)).expect("kept");
        let days = Duration::from_hours(72);
        file.set_modified(SystemTime::now() - days).expect("a time");
        assert!(age() >= days);
        assert!(cache.content(&digest, 100).is_some());
        assert!(age() < USED);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_the_cache() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache::new(folder.path());
        let digest = Digest::sha256_of(b"{}");
        cache.keep(&digest, b"{}");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&cache.content_path(&digest)), 0o600);
        assert_eq!(mode(&cache.folder), 0o700);
    }

    #[test]
    fn what_was_longest_unused_goes_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache::new(folder.path());
        for age in 0..10_u64 {
            let content = [u8::try_from(age).expect("small"); 100];
            let digest = Digest::sha256_of(&content);
            cache.keep(&digest, &content);
            let file = File::open(cache.content_path(&digest)).expect("kept");
            let used = SystemTime::now() - Duration::from_mins(age + 1);
            file.set_modified(used).expect("a time");
        }
        shrink(&cache.folder, 500);
        let left = files(&cache.folder);
        assert_eq!(left.iter().map(|file| file.bytes).sum::<u64>(), 400);
        assert!(cache.content(&Digest::sha256_of(&[0; 100]), 100).is_some());
        assert!(cache.content(&Digest::sha256_of(&[9; 100]), 100).is_none());
        assert_eq!(Cache::clean(folder.path()).expect("cleaned"), 400);
        assert_eq!(Cache::clean(folder.path()).expect("empty"), 0);
    }
}
