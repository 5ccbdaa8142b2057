//! What is kept of a layer between runs, as bytes.
//!
//! The form belongs to the program that wrote it: another form is a layer that is read again.

use std::io::Read as _;

use super::entries::{Entries, read_number, write_number};
use super::layer::LayerFacts;
use crate::facts::{Executable, LayerSummary};
use crate::oci::{Bytes, Digest};

/// The first bytes of this form.
const FORM: &[u8] = b"layer facts 2\n";
/// The most bytes that are taken from the cache, and that may come out of them.
pub(super) const MAX_KEPT: usize = 256 << 20;
const MAX_PLAIN: u64 = 512 << 20;
/// The fastest level, which makes a fifth of lists of paths.
const LEVEL: i32 = 1;

/// The facts as bytes; nothing where there is no room for them.
pub(super) fn to_bytes(facts: &LayerFacts) -> Option<Vec<u8>> {
    let (entries, count, executables) = facts.entries.parts();
    let mut plain = Vec::with_capacity(entries.len() + 4096);
    write_number(&mut plain, facts.blob.0);
    text(&mut plain, facts.diff_id.as_str().as_bytes());
    let summary = &facts.summary;
    write_number(&mut plain, summary.unpacked.0);
    write_number(&mut plain, summary.escaping);
    text(
        &mut plain,
        summary
            .first_escaping
            .as_deref()
            .unwrap_or_default()
            .as_bytes(),
    );
    write_number(&mut plain, executables.len() as u64);
    for executable in executables {
        write_executable(&mut plain, executable);
    }
    write_number(&mut plain, count);
    text(&mut plain, entries);
    let compressed = zstd::bulk::compress(&plain, LEVEL).ok()?;
    Some([FORM, &compressed].concat())
}

/// The facts that were kept; nothing where they cannot be read.
pub(super) fn from_bytes(kept: &[u8]) -> Option<LayerFacts> {
    let compressed = kept.strip_prefix(FORM)?;
    let mut plain = Vec::new();
    let decoder = zstd::stream::read::Decoder::new(compressed).ok()?;
    decoder.take(MAX_PLAIN).read_to_end(&mut plain).ok()?;
    let mut rest = plain.as_slice();
    let rest = &mut rest;
    let blob = Bytes(read_number(rest)?);
    let diff_id: Digest = words(rest)?.parse().ok()?;
    let summary = LayerSummary {
        unpacked: Bytes(read_number(rest)?),
        escaping: read_number(rest)?,
        first_escaping: Some(words(rest)?).filter(|words| !words.is_empty()),
    };
    let executables = (0..read_number(rest)?)
        .map(|_| read_executable(rest))
        .collect::<Option<Vec<_>>>()?;
    let count = read_number(rest)?;
    let entries = Entries::from_parts(taken(rest)?.to_vec(), count, executables);
    (rest.is_empty() && entries.is_sound()).then_some(LayerFacts {
        blob,
        diff_id,
        summary,
        entries,
    })
}

fn write_executable(plain: &mut Vec<u8>, executable: &Executable) {
    match executable {
        Executable::Elf {
            machine,
            bits,
            big_endian,
            interpreter,
            x86_64_level,
        } => {
            plain.push(0);
            for number in [
                u64::from(*machine),
                u64::from(*bits),
                u64::from(*big_endian),
                u64::from(x86_64_level.unwrap_or(0)),
            ] {
                write_number(plain, number);
            }
            text(plain, interpreter.as_deref().unwrap_or_default().as_bytes());
        }
        Executable::Pe { machine } => {
            plain.push(1);
            write_number(plain, u64::from(*machine));
        }
        Executable::MachO { cpu } => {
            plain.push(2);
            write_number(plain, u64::from(*cpu));
        }
        Executable::Script {
            interpreter,
            argument,
        } => {
            plain.push(3);
            text(plain, interpreter.as_bytes());
            text(plain, argument.as_bytes());
        }
    }
}

fn read_executable(rest: &mut &[u8]) -> Option<Executable> {
    let (kind, behind) = rest.split_first()?;
    *rest = behind;
    Some(match kind {
        0 => Executable::Elf {
            machine: small(rest)?,
            bits: small(rest)?,
            big_endian: read_number(rest)? == 1,
            x86_64_level: Some(small(rest)?).filter(|level| *level > 0),
            interpreter: Some(words(rest)?).filter(|words| !words.is_empty()),
        },
        1 => Executable::Pe {
            machine: small(rest)?,
        },
        2 => Executable::MachO { cpu: small(rest)? },
        3 => Executable::Script {
            interpreter: words(rest)?,
            argument: words(rest)?,
        },
        _ => return None,
    })
}

fn small<T: TryFrom<u64>>(rest: &mut &[u8]) -> Option<T> {
    read_number(rest)?.try_into().ok()
}

fn text(plain: &mut Vec<u8>, text: &[u8]) {
    write_number(plain, text.len() as u64);
    plain.extend_from_slice(text);
}

fn taken<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(read_number(rest)?).ok()?;
    let (text, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(text)
}

fn words(rest: &mut &[u8]) -> Option<String> {
    String::from_utf8(taken(rest)?.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::super::archive::{Member, MemberKind};
    use super::super::entries::Collector;
    use super::*;

    #[test]
    fn facts_come_back_as_they_were_kept() {
        let mut collector = Collector::default();
        for head in [&b"#!/bin/sh\n"[..], b"\x7fELF"] {
            let member = Member {
                path: b"app/run".to_vec(),
                kind: MemberKind::File,
                bytes: 1 << 33,
                head: head.to_vec(),
                ..Member::default()
            };
            collector.add(&member).expect("few");
        }
        let facts = LayerFacts {
            blob: Bytes(77),
            diff_id: Digest::sha256_of(b"plain"),
            summary: LayerSummary {
                unpacked: Bytes(1 << 34),
                escaping: 1,
                first_escaping: Some("../x".to_owned()),
            },
            entries: collector.finish(),
        };
        let kept = to_bytes(&facts).expect("room");
        assert_eq!(from_bytes(&kept), Some(facts));
        assert_eq!(from_bytes(b""), None);
        assert_eq!(from_bytes(&kept[..kept.len() - 1]), None);
        assert_eq!(
            from_bytes(&[b"layer facts 0\n", &kept[14..]].concat()),
            None
        );
    }
}
