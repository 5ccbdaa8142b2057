//! OCI image layouts: folders that hold what a registry would.
//!
//! Source: OCI image-spec `image-layout.md`.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::RegistryError;
use super::archive::{self, Unpacked};
use super::content::{Document, read_bounded, verify};
use super::setback::Setback;
use crate::facts::{Identity, Missing, Refusal, RefusalReason};
use crate::oci::{
    Bytes, Descriptor, Digest, IndexEntry, MAX_MANIFEST_BYTES, Manifest, Reference, media_type,
};

/// The annotation that names an entry: a tag, or a whole reference (OCI image-spec `annotations.md`).
const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// containerd's annotation with the whole reference, beside which the other one holds the tag (containerd
/// `core/images/annotations.go`).
const IMAGE_NAME: &str = "io.containerd.image.name";

/// A layout folder, or an archive of images that was read into one.
#[derive(Debug)]
pub(super) struct Layout {
    folder: PathBuf,
    entries: Vec<IndexEntry>,
    /// The archive that was read; its folder goes with it.
    unpacked: Option<Unpacked>,
}

/// The names of the images in a layout or an archive, in their order: whole references, tags alone, and digests of those that
/// have none.
///
/// # Errors
///
/// When there is no layout and no archive of images at `path`.
pub fn names_in(path: &Path) -> Result<Vec<String>, RegistryError> {
    let layout = Layout::open(path)?;
    let name = |entry: &IndexEntry| {
        let digest = entry.descriptor.digest.to_string();
        names(entry).next().cloned().unwrap_or(digest)
    };
    let mut found: Vec<String> = layout.entries.iter().map(name).collect();
    found.dedup();
    Ok(found)
}

impl Layout {
    /// Reads the index of the folder, or the whole of an archive.
    pub fn open(path: &Path) -> Result<Self, RegistryError> {
        let fail = |reason: String| RegistryError::Layout {
            folder: path.to_owned(),
            reason,
        };
        let unpacked = path.is_file().then(|| archive::unpack(path));
        let unpacked = unpacked.transpose().map_err(fail)?;
        let folder = unpacked.as_ref().map_or(path, |it| it.folder.path());
        let index = read_bounded(&folder.join("index.json"), MAX_MANIFEST_BYTES as u64)
            .map_err(|error| fail(format!("index.json cannot be read: {error}")))?;
        match Manifest::parse(&index, Some(media_type::OCI_INDEX)) {
            Ok(Manifest::Index(index)) => Ok(Self {
                folder: folder.to_path_buf(),
                entries: index.entries,
                unpacked,
            }),
            Ok(other) => Err(fail(format!("index.json is an {}", other.kind()))),
            Err(error) => Err(fail(format!("index.json: {error}"))),
        }
    }

    /// The manifest that `reference` names: by its digest, else by the annotation that holds the whole reference, else by
    /// the one that holds the tag alone.
    pub fn manifest(&self, reference: &Reference) -> Result<Document, Setback> {
        if let Some(digest) = reference.digest() {
            return self.document(digest, "");
        }
        let entry = self
            .entries
            .iter()
            .find(|entry| {
                names(entry).any(|name| {
                    name.parse::<Reference>()
                        .is_ok_and(|named| named == *reference)
                })
            })
            .or_else(|| {
                self.entries.iter().find(|entry| {
                    let annotations = &entry.descriptor.annotations;
                    !annotations.contains_key(IMAGE_NAME)
                        && annotations.get(REF_NAME).map(String::as_str) == reference.tag()
                })
            })
            .ok_or_else(|| self.not_found(Missing::Manifest))?;
        self.document(&entry.descriptor.digest, &entry.descriptor.media_type)
    }

    /// The tags of the repository that the annotations name.
    pub fn tags(&self, reference: &Reference) -> Vec<String> {
        let names = self.entries.iter().flat_map(names);
        names
            .filter_map(|name| name.parse::<Reference>().ok())
            .filter(|named| named.name() == reference.name())
            .filter_map(|named| named.tag().map(ToOwned::to_owned))
            .collect()
    }

    /// The manifest that an index lists.
    pub fn child(&self, descriptor: &Descriptor) -> Result<Document, Setback> {
        self.document(&descriptor.digest, &descriptor.media_type)
    }

    fn document(&self, digest: &Digest, media_type: &str) -> Result<Document, Setback> {
        let body = self.read(digest, MAX_MANIFEST_BYTES, Missing::Manifest)?;
        Ok(Document {
            digest: verify(&body, Some(digest), None)?,
            content_type: media_type.to_owned(),
            body,
            identity: Identity::Layout,
        })
    }

    /// A blob of at most `limit` bytes. Whether it has its digest is for the caller to see.
    pub fn blob(&self, digest: &Digest, limit: usize) -> Result<bytes::Bytes, Setback> {
        self.read(digest, limit, Missing::Blob)
    }

    /// A blob, to be read by the caller, who verifies it too.
    pub fn open_blob(&self, digest: &Digest) -> Result<Box<dyn Read + Send>, Setback> {
        let path = self.path(digest);
        if let Some(unpacked) = &self.unpacked {
            let content = unpacked.content(digest.as_str());
            let content = content.map_err(|error| unreadable(&path, &error))?;
            return content.ok_or_else(|| self.not_found(Missing::Blob));
        }
        let opened = File::open(&path).and_then(|file| Ok((file.metadata()?, file)));
        match opened {
            Ok((metadata, file)) if metadata.is_file() => Ok(Box::new(file)),
            Ok(_) => Err(unreadable(&path, &io::Error::other("it is no file"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(self.not_found(Missing::Blob))
            }
            Err(error) => Err(unreadable(&path, &error)),
        }
    }

    /// The size of a blob.
    pub fn blob_size(&self, digest: &Digest) -> Result<Bytes, Setback> {
        let unpacked = self.unpacked.as_ref();
        if let Some(bytes) = unpacked.and_then(|unpacked| unpacked.size(digest.as_str())) {
            return Ok(Bytes(bytes));
        }
        let path = self.path(digest);
        match std::fs::metadata(&path) {
            Ok(file) => Ok(Bytes(file.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(self.not_found(Missing::Blob))
            }
            Err(error) => Err(unreadable(&path, &error)),
        }
    }

    /// A digest has no other characters than its algorithm's name and hexadecimal digits, so the path stays inside.
    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder
            .join("blobs")
            .join(digest.algorithm())
            .join(digest.hex())
    }

    fn read(
        &self,
        digest: &Digest,
        limit: usize,
        missing: Missing,
    ) -> Result<bytes::Bytes, Setback> {
        let path = self.path(digest);
        match read_bounded(&path, limit as u64) {
            Ok(content) => Ok(content.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(self.not_found(missing)),
            Err(error) => Err(unreadable(&path, &error)),
        }
    }

    fn not_found(&self, missing: Missing) -> Setback {
        Refusal {
            reason: RefusalReason::NotFound(missing),
            status: None,
            message: format!("not in the OCI image layout {}", self.folder.display()),
            identity: Identity::Layout,
            by_token_service: false,
            nearest_tags: Vec::new(),
        }
        .into()
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Setback {
    Setback::damaged(&format!("{} cannot be read: {error}", path.display()))
}

/// The annotations of an entry that may hold the whole reference, in any spelling.
fn names(entry: &IndexEntry) -> impl Iterator<Item = &String> {
    [IMAGE_NAME, REF_NAME]
        .into_iter()
        .filter_map(|key| entry.descriptor.annotations.get(key))
}
