//! Images in one file: what `docker save` and `skopeo copy … docker-archive:` write, and OCI image layouts in a tar file.
//!
//! Sources: moby `image/spec/v1.2.md`, "Combined Image JSON + Filesystem Changeset Format"; containers/image
//! `docs/containers-transports.5.md`.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tar::{Archive, EntryType};
use tempfile::TempDir;

use crate::oci::{MAX_MANIFEST_BYTES, Reference, media_type};

/// The most entries that are looked at.
const MAX_ENTRIES: usize = 100_000;
/// The most bytes of small files that are kept.
const MAX_KEPT_BYTES: usize = 64 << 20;
/// The most bytes that are read, unpacked: a small compressed file may hold any number of them.
const MAX_UNPACKED_BYTES: u64 = 1 << 40;
/// The longest name in bytes.
const MAX_NAME_BYTES: u64 = 16 << 10;
/// How many links are followed from one layer to its content.
const MAX_LINKS: usize = 8;

/// One image of `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SavedImage {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

/// What an entry of the archive holds.
enum Content {
    /// A file: its digest, its size, and all of it where it is small.
    File {
        digest: String,
        size: u64,
        kept: Option<Vec<u8>>,
        /// Where it begins in the unpacked archive.
        start: u64,
    },
    /// A link to another entry.
    Link(String),
}

/// An archive that was read.
#[derive(Debug)]
pub(super) struct Unpacked {
    /// An OCI image layout without the layers.
    pub folder: TempDir,
    archive: PathBuf,
    /// Whether the archive is compressed as a whole.
    is_compressed: bool,
    /// Where each file stands in the archive without its compression, and its bytes, by digest.
    places: HashMap<String, (u64, u64)>,
}

impl Unpacked {
    /// How many bytes the file with this digest has; none where there is none.
    pub fn size(&self, digest: &str) -> Option<u64> {
        self.places.get(digest).map(|&(_, bytes)| bytes)
    }

    /// The content of a file with this digest, as the archive holds it; none where there is none.
    pub fn content(&self, digest: &str) -> io::Result<Option<Box<dyn Read + Send>>> {
        let Some(&(start, bytes)) = self.places.get(digest) else {
            return Ok(None);
        };
        let mut file = File::open(&self.archive)?;
        if self.is_compressed {
            let reader = MultiGzDecoder::new(BufReader::with_capacity(1 << 17, file));
            let content = Behind {
                reader,
                skip: start,
            };
            return Ok(Some(Box::new(content.take(bytes))));
        }
        file.seek(SeekFrom::Start(start))?;
        Ok(Some(Box::new(file.take(bytes))))
    }
}

/// What follows the first bytes of a stream, which are read when it is.
struct Behind<R> {
    reader: R,
    skip: u64,
}

impl<R: Read> Read for Behind<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let skip = std::mem::take(&mut self.skip);
        io::copy(&mut self.reader.by_ref().take(skip), &mut io::sink())?;
        self.reader.read(buffer)
    }
}

/// Writes what the archive says of its images into a folder, as an OCI image layout without the layers: those are read once,
/// for their digests and sizes, and stored nowhere.
///
/// # Errors
///
/// What is wrong with the file, in words.
pub(super) fn unpack(path: &Path) -> Result<Unpacked, String> {
    let entries =
        File::open(path).and_then(|file| entries(BufReader::with_capacity(1 << 19, file)));
    let (entries, is_compressed) =
        entries.map_err(|error| format!("it is no archive of images: {error}"))?;
    let folder = TempDir::with_prefix("oci-preflight-").map_err(|error| error.to_string())?;
    let index = match (
        kept(&entries, "index.json"),
        kept(&entries, "manifest.json"),
    ) {
        (Some(index), _) => {
            for content in entries.values() {
                if let Content::File {
                    digest,
                    kept: Some(kept),
                    ..
                } = content
                {
                    write_blob(folder.path(), digest, kept)?;
                }
            }
            index.to_vec()
        }
        (None, Some(manifest)) => {
            let images: Vec<SavedImage> = serde_json::from_slice(manifest)
                .map_err(|error| format!("manifest.json is not valid: {error}"))?;
            let manifests: Result<Vec<Vec<Value>>, String> = images
                .iter()
                .map(|image| saved(image, &entries, folder.path()))
                .collect();
            json!({ "schemaVersion": 2, "manifests": manifests?.concat() })
                .to_string()
                .into_bytes()
        }
        (None, None) => {
            return Err(
                "it is no archive of images: it has neither manifest.json nor index.json"
                    .to_owned(),
            );
        }
    };
    std::fs::write(folder.path().join("index.json"), index).map_err(|error| error.to_string())?;
    let places = entries.into_values().filter_map(|content| match content {
        Content::File {
            digest,
            size,
            start,
            ..
        } => Some((digest, (start, size))),
        Content::Link(_) => None,
    });
    Ok(Unpacked {
        places: places.collect(),
        archive: path.to_owned(),
        is_compressed,
        folder,
    })
}

/// The entries of the index for one image, and its manifest and config in the folder.
fn saved(
    image: &SavedImage,
    entries: &HashMap<String, Content>,
    folder: &Path,
) -> Result<Vec<Value>, String> {
    let config = kept(entries, &image.config)
        .ok_or_else(|| format!("the config {} is missing or larger than 4 MB", image.config))?;
    let layers: Result<Vec<Value>, String> = image
        .layers
        .iter()
        .map(|layer| {
            let (digest, size, _) =
                file(entries, layer).ok_or_else(|| format!("the layer {layer} is missing"))?;
            Ok(json!({ "mediaType": media_type::DOCKER_LAYER, "digest": digest, "size": size }))
        })
        .collect();
    let config_digest = digest_of(config);
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type::DOCKER_MANIFEST,
        "config": { "mediaType": media_type::DOCKER_CONFIG, "digest": config_digest, "size": config.len() },
        "layers": layers?,
    });
    let manifest = manifest.to_string().into_bytes();
    let digest = digest_of(&manifest);
    write_blob(folder, &config_digest, config)?;
    write_blob(folder, &digest, &manifest)?;
    let descriptor = json!({ "mediaType": media_type::DOCKER_MANIFEST, "digest": digest, "size": manifest.len() });
    let names = image
        .repo_tags
        .iter()
        .flatten()
        .filter_map(|name| name.parse::<Reference>().ok());
    let mut entries_of_index: Vec<Value> = names
        .map(|name| {
            let mut descriptor = descriptor.clone();
            descriptor["annotations"] =
                json!({ "org.opencontainers.image.ref.name": name.to_string() });
            descriptor
        })
        .collect();
    if entries_of_index.is_empty() {
        entries_of_index.push(descriptor);
    }
    Ok(entries_of_index)
}

fn digest_of(content: &[u8]) -> String {
    crate::oci::Digest::sha256_of(content).to_string()
}

fn write_blob(folder: &Path, digest: &str, content: &[u8]) -> Result<(), String> {
    let (algorithm, hex) = digest.split_once(':').unwrap_or(("sha256", digest));
    let blobs = folder.join("blobs").join(algorithm);
    std::fs::create_dir_all(&blobs)
        .and_then(|()| std::fs::write(blobs.join(hex), content))
        .map_err(|error| error.to_string())
}

fn kept<'a>(entries: &'a HashMap<String, Content>, path: &str) -> Option<&'a [u8]> {
    file(entries, path)?.2
}

/// The file at a path, through links: digest, size, and content where it was kept.
fn file<'a>(
    entries: &'a HashMap<String, Content>,
    path: &str,
) -> Option<(&'a str, u64, Option<&'a [u8]>)> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match entries.get(path.trim_start_matches("./"))? {
            Content::File {
                digest, size, kept, ..
            } => return Some((digest, *size, kept.as_deref())),
            // The classic `docker save` links a layer to the one of another image: `../ID/layer.tar`.
            Content::Link(target) => {
                let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                path = match target.strip_prefix("../") {
                    Some(rest) => match folder.rsplit_once('/') {
                        Some((parent, _)) => format!("{parent}/{rest}"),
                        None => rest.to_owned(),
                    },
                    None => target.clone(),
                };
            }
        }
    }
    None
}

/// Reads the whole archive once, and says whether it is compressed.
fn entries(mut reader: impl BufRead) -> io::Result<(HashMap<String, Content>, bool)> {
    let is_gzip = reader.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    let entries = if is_gzip {
        read(MultiGzDecoder::new(reader))?
    } else {
        read(reader)?
    };
    Ok((entries, is_gzip))
}

fn read(reader: impl Read) -> io::Result<HashMap<String, Content>> {
    let mut archive = Archive::new(reader.take(MAX_UNPACKED_BYTES));
    let mut entries = HashMap::new();
    let mut kept_bytes = 0;
    let mut long_name = None;
    // Raw, because otherwise a name may be as long as it likes, and is kept in memory.
    for (count, entry) in archive.entries()?.raw(true).enumerate() {
        let mut entry = entry?;
        if count >= MAX_ENTRIES {
            return Err(io::Error::other(format!(
                "it has more than {MAX_ENTRIES} entries"
            )));
        }
        let kind = entry.header().entry_type();
        if matches!(kind, EntryType::GNULongName | EntryType::XHeader) {
            if entry.size() > MAX_NAME_BYTES {
                return Err(io::Error::other("it has a name that is too long"));
            }
            let mut text = Vec::new();
            entry.read_to_end(&mut text)?;
            let is_gnu = kind == EntryType::GNULongName;
            long_name = if is_gnu { Some(text) } else { pax_path(&text) }.or(long_name);
            continue;
        }
        let name = long_name
            .take()
            .unwrap_or_else(|| entry.path_bytes().into_owned());
        let name = String::from_utf8_lossy(&name);
        let name = name
            .trim_end_matches('\0')
            .trim_start_matches("./")
            .to_owned();
        let content = match kind {
            EntryType::Regular | EntryType::Continuous => {
                let start = entry.raw_file_position();
                file_content(&mut entry, start, &mut kept_bytes)?
            }
            EntryType::Symlink | EntryType::Link => {
                let target = entry.link_name_bytes().unwrap_or_default();
                Content::Link(String::from_utf8_lossy(&target).into_owned())
            }
            _ => continue,
        };
        entries.insert(name, content);
    }
    Ok(entries)
}

/// The path of an extended header: records of `LENGTH KEY=VALUE` with a line break (POSIX `pax`, "Extended Header").
fn pax_path(text: &[u8]) -> Option<Vec<u8>> {
    let records = text.split(|byte| *byte == b'\n');
    let mut paths = records.filter_map(|record| {
        let at = record.iter().position(|byte| *byte == b' ')?;
        record[at + 1..].strip_prefix(b"path=")
    });
    paths.next().map(<[u8]>::to_vec)
}

fn file_content(entry: &mut impl Read, start: u64, kept_bytes: &mut usize) -> io::Result<Content> {
    let mut hash = Sha256::new();
    let mut kept = Some(Vec::new());
    let mut size = 0;
    let mut buffer = vec![0; 1 << 18];
    loop {
        let count = entry.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        let bytes = &buffer[..count];
        hash.update(bytes);
        size += count as u64;
        if let Some(content) = &mut kept {
            content.extend_from_slice(bytes);
            if content.len() > MAX_MANIFEST_BYTES || *kept_bytes + content.len() > MAX_KEPT_BYTES {
                kept = None;
            }
        }
    }
    *kept_bytes += kept.as_ref().map_or(0, Vec::len);
    let hex = hash.finalize().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    Ok(Content::File {
        digest: format!("sha256:{hex}"),
        size,
        kept,
        start,
    })
}
