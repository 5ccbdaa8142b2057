//! What was read for one reference, in one file, so that a later run reads it at once.
//!
//! The file begins with a line for each document, its digest and its length in bytes, and an empty line. The documents follow
//! in that order, the manifest of the reference first.

use std::fmt::Write as _;

use bytes::Bytes;

use crate::oci::Digest;

/// The most bytes of a bundle. Few references have documents of more than a hundred kilobytes.
pub(super) const MAX_BUNDLE_BYTES: usize = 4 * 1024 * 1024;

/// The documents behind one reference.
#[derive(Debug, Default)]
pub(super) struct Bundle {
    documents: Vec<(Digest, Bytes)>,
}

impl Bundle {
    /// Reads a file; nothing where it is none of this form. The documents are not verified yet.
    pub fn parse(file: &Bytes) -> Option<Self> {
        let end = file.windows(2).position(|two| two == b"\n\n")?;
        let mut at = end + 2;
        let mut documents = Vec::new();
        for line in str::from_utf8(&file[..end]).ok()?.lines() {
            let (digest, length) = line.split_once(' ')?;
            let end = at.checked_add(length.parse().ok()?)?;
            if end > file.len() {
                return None;
            }
            documents.push((digest.parse().ok()?, file.slice(at..end)));
            at = end;
        }
        Some(Self { documents })
    }

    /// The file of documents, the first of which is the manifest; as many as fit.
    pub fn written(documents: &[(Digest, Bytes)]) -> Vec<u8> {
        let mut bytes = 0;
        let mut head = String::new();
        let mut body = Vec::new();
        for (digest, content) in documents {
            bytes += content.len() + digest.as_str().len() + 32;
            if bytes > MAX_BUNDLE_BYTES {
                break;
            }
            // Writing to a String cannot fail.
            let _ = writeln!(head, "{digest} {}", content.len());
            body.extend_from_slice(content);
        }
        head.push('\n');
        let mut file = head.into_bytes();
        file.append(&mut body);
        file
    }

    /// The digest that the reference had.
    pub fn manifest(&self) -> Option<&Digest> {
        self.documents.first().map(|(digest, _)| digest)
    }

    /// The document with this digest, if it is there and sound.
    pub fn content(&self, digest: &Digest) -> Option<Bytes> {
        let (_, content) = self.documents.iter().find(|(own, _)| own == digest)?;
        digest.verifies(content).then(|| content.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &'static str) -> (Digest, Bytes) {
        let digest = Digest::sha256_of(text.as_bytes());
        (digest, Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn what_is_written_is_read() {
        let documents = [document("{\n\n}"), document(""), document("{}")];
        let file = Bundle::written(&documents).into();
        let bundle = Bundle::parse(&file).expect("a bundle");
        assert_eq!(bundle.manifest(), Some(&documents[0].0));
        for (digest, content) in &documents {
            assert_eq!(bundle.content(digest).as_ref(), Some(content));
        }
        assert_eq!(bundle.content(&Digest::sha256_of(b"other")), None);
    }

    #[test]
    fn a_spoilt_file_gives_nothing_or_only_what_is_sound() {
        let documents = [document("one"), document("two")];
        let file = Bundle::written(&documents);
        for end in 0..file.len() {
            let cut = Bytes::copy_from_slice(&file[..end]);
            assert!(Bundle::parse(&cut).is_none(), "{end} bytes");
        }
        let forged = String::from_utf8(file).expect("text").replace("two", "2wo");
        let bundle = Bundle::parse(&forged.into()).expect("a bundle");
        assert!(bundle.content(&documents[0].0).is_some());
        assert!(bundle.content(&documents[1].0).is_none());
        let endless = format!("{} {}\n\none", documents[0].0, usize::MAX);
        assert!(Bundle::parse(&endless.into()).is_none());
    }
}
