//! The entries of one layer, kept compactly: in their order, each path without what it shares with the one before it.

use hashbrown::HashMap;

use super::archive::{Member, MemberKind};
use super::executable::executable;
use super::path::{Cleaned, cleaned};
use crate::facts::Executable;

/// The most entries of a layer that are taken. The largest in the wild, with several `node_modules`, have a million.
const MAX_ENTRIES: u64 = 5_000_000;
/// The most bytes that they may take, kept compactly.
const MAX_BYTES: usize = 256 << 20;
/// How many different programs of one layer are told apart. What counts is machine and interpreter: real layers have some
/// dozen.
const MAX_EXECUTABLES: usize = 4096;

/// The whiteouts of OCI image-spec `layer.md`, "Whiteouts", and the names that AUFS kept for itself.
const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
const META: &[u8] = b".wh..wh.";

/// One entry of a layer. Paths are from the root, without `/` in front, `.` or `..`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub path: &'a [u8],
    pub kind: EntryKind<'a>,
}

/// What an entry does to its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind<'a> {
    /// Stores a file of so many bytes; the number of its program in [`Entries::executable`].
    File { bytes: u64, executable: usize },
    /// Makes a folder.
    Folder,
    /// Makes a symbolic link to this target, as it is written.
    Symlink(&'a [u8]),
    /// Gives the file of that path another name.
    HardLink(&'a [u8]),
    /// Makes a device or a pipe.
    Device,
    /// Deletes what lower layers have there.
    Whiteout,
    /// Empties the folder of what lower layers have in it.
    Opaque,
}

/// The entries of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Entries {
    bytes: Vec<u8>,
    count: u64,
    /// The different programs. Number 0 stands for none, so the first of them has the number 1.
    executables: Vec<Executable>,
}

/// Takes members and gives entries.
#[derive(Debug, Default)]
pub(super) struct Collector {
    entries: Entries,
    numbers: HashMap<Executable, usize, std::hash::RandomState>,
    last: Vec<u8>,
    /// The bytes of all files.
    pub unpacked: u64,
    /// How many entries lead out of the root.
    pub escaping: u64,
    /// The first of them.
    pub first_escaping: Option<String>,
}

/// There are more entries than are taken.
#[derive(Debug)]
pub(super) struct TooMany;

impl Collector {
    /// Takes one member.
    pub fn add(&mut self, member: &Member) -> Result<(), TooMany> {
        if self.entries.count >= MAX_ENTRIES || self.entries.bytes.len() > MAX_BYTES {
            return Err(TooMany);
        }
        let Cleaned { path, escapes } = cleaned(&member.path);
        let linked = (member.kind == MemberKind::HardLink).then(|| cleaned(&member.target));
        if escapes || linked.as_ref().is_some_and(|target| target.escapes) {
            self.escaping += 1;
            let written = if escapes {
                &member.path
            } else {
                &member.target
            };
            let first = || String::from_utf8_lossy(written).into_owned();
            self.first_escaping.get_or_insert_with(first);
        }
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let folder = &path[..path.len() - name.len()];
        let folder = folder.strip_suffix(b"/").unwrap_or(folder);
        if name == OPAQUE {
            self.push(folder, EntryKind::Opaque);
        } else if name.starts_with(META) {
            // AUFS's own.
        } else if let Some(hidden) = name.strip_prefix(WHITEOUT) {
            let path = [folder, hidden].join(&b"/"[..]);
            self.push(
                path.strip_prefix(b"/").unwrap_or(&path),
                EntryKind::Whiteout,
            );
        } else if !path.is_empty() {
            let kind = match member.kind {
                MemberKind::File => EntryKind::File {
                    bytes: member.bytes,
                    executable: self.number(&member.head),
                },
                MemberKind::Folder => EntryKind::Folder,
                MemberKind::Symlink => EntryKind::Symlink(&member.target),
                MemberKind::HardLink => {
                    EntryKind::HardLink(linked.as_ref().map_or(&[], |target| &target.path))
                }
                MemberKind::Device => EntryKind::Device,
            };
            self.unpacked = self.unpacked.saturating_add(member.bytes);
            self.push(&path, kind);
        }
        Ok(())
    }

    /// All that was taken.
    pub fn finish(mut self) -> Entries {
        self.entries.bytes.shrink_to_fit();
        self.entries
    }

    fn number(&mut self, head: &[u8]) -> usize {
        let Some(found) = executable(head) else {
            return 0;
        };
        if let Some(number) = self.numbers.get(&found) {
            return *number;
        }
        if self.numbers.len() >= MAX_EXECUTABLES {
            return 0;
        }
        self.entries.executables.push(found.clone());
        let number = self.entries.executables.len();
        self.numbers.insert(found, number);
        number
    }

    fn push(&mut self, path: &[u8], kind: EntryKind<'_>) {
        let shared = path
            .iter()
            .zip(&self.last)
            .take_while(|(a, b)| a == b)
            .count();
        let bytes = &mut self.entries.bytes;
        write_text(bytes, shared, &path[shared..]);
        match kind {
            EntryKind::File {
                bytes: size,
                executable,
            } => {
                bytes.push(0);
                write_number(bytes, size);
                write_number(bytes, executable as u64);
            }
            EntryKind::Folder => bytes.push(1),
            EntryKind::Symlink(target) => {
                bytes.push(2);
                write_text(bytes, 0, target);
            }
            EntryKind::HardLink(target) => {
                bytes.push(3);
                write_text(bytes, 0, target);
            }
            EntryKind::Device => bytes.push(4),
            EntryKind::Whiteout => bytes.push(5),
            EntryKind::Opaque => bytes.push(6),
        }
        self.entries.count += 1;
        self.last.truncate(shared);
        self.last.extend_from_slice(&path[shared..]);
    }
}

impl Entries {
    /// What was kept in an earlier run, with the programs beside it. Whether it can be read shows when it is.
    pub fn from_parts(bytes: Vec<u8>, count: u64, executables: Vec<Executable>) -> Self {
        Self {
            bytes,
            count,
            executables,
        }
    }

    /// What there is to keep.
    pub fn parts(&self) -> (&[u8], u64, &[Executable]) {
        (&self.bytes, self.count, &self.executables)
    }

    /// The program with that number; none for 0.
    pub fn executable(&self, number: usize) -> Option<&Executable> {
        self.executables.get(number.checked_sub(1)?)
    }

    /// Shows each entry in its order.
    pub fn for_each(&self, mut visit: impl FnMut(Entry<'_>)) {
        let mut rest = self.bytes.as_slice();
        let mut path = Vec::new();
        for _ in 0..self.count {
            let Some(kind) = read_entry(&mut rest, &mut path) else {
                return;
            };
            visit(Entry { path: &path, kind });
        }
    }

    /// Whether each entry can be read, and nothing follows.
    pub fn is_sound(&self) -> bool {
        let mut rest = self.bytes.as_slice();
        let mut path = Vec::new();
        (0..self.count).all(|_| read_entry(&mut rest, &mut path).is_some()) && rest.is_empty()
    }
}

fn read_entry<'a>(rest: &mut &'a [u8], path: &mut Vec<u8>) -> Option<EntryKind<'a>> {
    let (shared, suffix) = read_text(rest)?;
    if shared > path.len() {
        return None;
    }
    path.truncate(shared);
    path.extend_from_slice(suffix);
    let (kind, behind) = rest.split_first()?;
    *rest = behind;
    Some(match kind {
        0 => EntryKind::File {
            bytes: read_number(rest)?,
            executable: usize::try_from(read_number(rest)?).ok()?,
        },
        1 => EntryKind::Folder,
        2 => EntryKind::Symlink(read_text(rest)?.1),
        3 => EntryKind::HardLink(read_text(rest)?.1),
        4 => EntryKind::Device,
        5 => EntryKind::Whiteout,
        6 => EntryKind::Opaque,
        _ => return None,
    })
}

fn write_text(bytes: &mut Vec<u8>, shared: usize, text: &[u8]) {
    write_number(bytes, shared as u64);
    write_number(bytes, text.len() as u64);
    bytes.extend_from_slice(text);
}

fn read_text<'a>(rest: &mut &'a [u8]) -> Option<(usize, &'a [u8])> {
    let shared = usize::try_from(read_number(rest)?).ok()?;
    let length = usize::try_from(read_number(rest)?).ok()?;
    let (text, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some((shared, text))
}

/// Seven bits in a byte, the lowest first; the highest bit says that more follow.
pub(super) fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

pub(super) fn read_number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(path: &str, kind: MemberKind, bytes: u64) -> Member {
        Member {
            path: path.into(),
            kind,
            bytes,
            ..Member::default()
        }
    }

    fn shown(entries: &Entries) -> Vec<String> {
        let mut shown = Vec::new();
        entries.for_each(|entry| {
            shown.push(format!(
                "{} {:?}",
                String::from_utf8_lossy(entry.path),
                entry.kind
            ));
        });
        shown
    }

    #[test]
    fn entries_come_out_as_they_went_in() {
        let mut collector = Collector::default();
        for member in [
            member("./usr/", MemberKind::Folder, 0),
            member("./usr/bin/tool", MemberKind::File, 300),
            member("usr/.wh.old", MemberKind::File, 0),
            member(".wh.gone", MemberKind::File, 0),
            member("usr/lib/.wh..wh..opq", MemberKind::File, 0),
            member(".wh..wh.plnk", MemberKind::Folder, 0),
            member("/dev/null", MemberKind::Device, 0),
            Member {
                target: b"../bin/tool".to_vec(),
                ..member("usr/lib/tool", MemberKind::Symlink, 0)
            },
        ] {
            collector.add(&member).expect("few");
        }
        assert_eq!(collector.unpacked, 300);
        let entries = collector.finish();
        assert!(entries.is_sound());
        assert_eq!(
            shown(&entries),
            [
                "usr Folder",
                "usr/bin/tool File { bytes: 300, executable: 0 }",
                "usr/old Whiteout",
                "gone Whiteout",
                "usr/lib Opaque",
                "dev/null Device",
                "usr/lib/tool Symlink([46, 46, 47, 98, 105, 110, 47, 116, 111, 111, 108])",
            ]
        );
    }

    #[test]
    fn paths_that_lead_out_of_the_root_stay_inside_and_are_counted() {
        let mut collector = Collector::default();
        collector
            .add(&member("a/../../../etc/passwd", MemberKind::File, 1))
            .expect("few");
        let link = Member {
            target: b"../../etc/shadow".to_vec(),
            ..member("link", MemberKind::HardLink, 0)
        };
        collector.add(&link).expect("few");
        assert_eq!(collector.escaping, 2);
        assert_eq!(
            collector.first_escaping.as_deref(),
            Some("a/../../../etc/passwd")
        );
        let shown = shown(&collector.finish());
        assert!(shown[0].starts_with("etc/passwd File"), "{shown:?}");
    }

    #[test]
    fn there_is_an_end_to_entries() {
        let mut collector = Collector::default();
        collector.entries.count = MAX_ENTRIES - 1;
        let last = member("a", MemberKind::File, 1);
        assert!(collector.add(&last).is_ok());
        assert!(collector.add(&last).is_err());
    }

    #[test]
    fn spoilt_bytes_are_noticed() {
        let mut collector = Collector::default();
        collector
            .add(&member("a/b", MemberKind::File, 1 << 40))
            .expect("few");
        let entries = collector.finish();
        for at in 0..entries.bytes.len() {
            let cut = Entries::from_parts(entries.bytes[..at].to_vec(), 1, Vec::new());
            assert!(!cut.is_sound(), "{at}");
        }
    }
}
