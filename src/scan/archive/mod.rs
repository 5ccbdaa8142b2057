//! Walks a tar archive as it comes in, and keeps none of it.
//!
//! What Go's `archive/tar` takes is taken, and what it refuses is refused, because container runtimes unpack with it. Sources:
//! POSIX.1-2017 `pax`, "ustar Interchange Format" and "pax Interchange Format"; GNU tar manual, "Basic Tar Format" and "Storing
//! Sparse Files"; Go `src/archive/tar/reader.go` and `strconv.go`; containerd `pkg/archive/tar.go`.

mod extended;
mod fault;
mod header;

use extended::Extended;
use header::{BLOCK, Header, Special};

pub use fault::ArchiveFault;

/// How many bytes of a file's beginning are shown: enough for the headers of a program and the name of its interpreter.
pub const HEAD: usize = 4096;
/// The most bytes of a long name or of extended headers, as in Go (`maxSpecialFileSize`).
const MAX_SPECIAL: u64 = 1 << 20;
/// The longest path that Linux takes (`PATH_MAX`, without the final NUL), and the longest name in it (`NAME_MAX`).
const MAX_PATH: usize = 4095;
const MAX_NAME: usize = 255;

/// One member of an archive.
#[derive(Debug, Default)]
pub struct Member {
    /// The path as it is written.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: MemberKind,
    /// The bytes of a file when it is unpacked, holes included; 0 for anything else.
    pub bytes: u64,
    /// What a link points to, as it is written.
    pub target: Vec<u8>,
    /// The first [`HEAD`] bytes of a file that has no holes.
    pub head: Vec<u8>,
}

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MemberKind {
    /// A file.
    #[default]
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Symlink,
    /// Another name of a file.
    HardLink,
    /// A device or a pipe.
    Device,
}

/// Takes an archive in pieces of any size.
#[derive(Debug, Default)]
pub struct Walk {
    state: State,
    block: Vec<u8>,
    special: Vec<u8>,
    extended: Extended,
    member: Member,
    is_sparse: bool,
    /// Bytes taken so far, for messages.
    position: u64,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    /// Before a header.
    #[default]
    Header,
    /// Before a header that must be the second empty one.
    SecondEmpty,
    /// Inside a long name or extended headers: how many bytes are left, and how many fill the last block.
    Special(Special, u64, u64),
    /// Before one more block of an old GNU sparse map; the bytes of the file stand behind it.
    SparseMap(u64),
    /// Inside a file: how many bytes are left, and how many fill the last block.
    Body(u64, u64),
    /// Behind the end. What follows is nobody's.
    End,
}

impl Walk {
    /// Takes the next piece, and hands each member that ends in it to `visit`.
    ///
    /// # Errors
    ///
    /// When it is no archive that a container runtime unpacks, or `visit` says so.
    pub fn feed<E: From<ArchiveFault>>(
        &mut self,
        mut piece: &[u8],
        visit: &mut impl FnMut(&Member) -> Result<(), E>,
    ) -> Result<(), E> {
        while !piece.is_empty() {
            let before = piece.len();
            match self.state {
                State::End => return Ok(()),
                State::Header | State::SecondEmpty | State::SparseMap(_) => {
                    let missing = BLOCK - self.block.len();
                    let (part, rest) = piece.split_at(missing.min(piece.len()));
                    self.block.extend_from_slice(part);
                    piece = rest;
                    if self.block.len() == BLOCK {
                        let block = std::mem::take(&mut self.block);
                        self.block(&block, visit)?;
                        self.block = block;
                        self.block.clear();
                    }
                }
                State::Special(special, left, fill) => {
                    let (part, rest) = split(piece, left);
                    self.special.extend_from_slice(part);
                    let left = left - part.len() as u64;
                    let (padding, rest) = split(rest, if left == 0 { fill } else { 0 });
                    let fill = fill - padding.len() as u64;
                    piece = rest;
                    self.state = State::Special(special, left, fill);
                    if left == 0 && fill == 0 {
                        self.take_special(special)?;
                        self.state = State::Header;
                    }
                }
                State::Body(left, fill) => {
                    let (part, rest) = split(piece, left);
                    self.look_at(part);
                    let left = left - part.len() as u64;
                    let (padding, rest) = split(rest, if left == 0 { fill } else { 0 });
                    let fill = fill - padding.len() as u64;
                    piece = rest;
                    self.state = State::Body(left, fill);
                    if left == 0 && fill == 0 {
                        self.state = State::Header;
                        visit(&self.member)?;
                    }
                }
            }
            self.position += (before - piece.len()) as u64;
        }
        Ok(())
    }

    /// Says that nothing follows.
    ///
    /// # Errors
    ///
    /// When the archive ends inside a member. The two empty blocks at its end may be missing, as in Go.
    pub fn finish(&self) -> Result<(), ArchiveFault> {
        match self.state {
            State::Header | State::SecondEmpty if self.block.is_empty() => Ok(()),
            State::End => Ok(()),
            _ => Err(ArchiveFault::Truncated(self.position)),
        }
    }

    fn block<E: From<ArchiveFault>>(
        &mut self,
        block: &[u8],
        visit: &mut impl FnMut(&Member) -> Result<(), E>,
    ) -> Result<(), E> {
        let is_empty = block.iter().all(|byte| *byte == 0);
        match self.state {
            State::SparseMap(bytes) => {
                // Another block of the map follows where this byte says so.
                if block[504] == 0 {
                    self.begin_body(bytes, visit)?;
                }
                Ok(())
            }
            State::SecondEmpty if !is_empty => Err(ArchiveFault::Header(self.position).into()),
            State::SecondEmpty => {
                self.state = State::End;
                Ok(())
            }
            _ if is_empty => {
                self.state = State::SecondEmpty;
                Ok(())
            }
            _ => self.begin(block, visit),
        }
    }

    fn begin<E: From<ArchiveFault>>(
        &mut self,
        block: &[u8],
        visit: &mut impl FnMut(&Member) -> Result<(), E>,
    ) -> Result<(), E> {
        let header = Header::parse(block).ok_or(ArchiveFault::Header(self.position))?;
        if let Some(special) = header.special() {
            if header.bytes > MAX_SPECIAL {
                return Err(ArchiveFault::LongHeader(header.bytes).into());
            }
            self.special.clear();
            self.state = State::Special(special, header.bytes, fill(header.bytes));
            if header.bytes == 0 {
                self.take_special(special)?;
                self.state = State::Header;
            }
            return Ok(());
        }
        let extended = std::mem::take(&mut self.extended);
        let stored = extended.bytes.unwrap_or(header.bytes);
        let is_old_sparse = header.kind == b'S';
        self.is_sparse = is_old_sparse || extended.real_bytes.is_some();
        let path = extended.path.unwrap_or(header.path);
        let kind = match header.kind {
            // A path that ends like a folder's is one (Go, `Reader.next`).
            b'0' | 0 if path.ends_with(b"/") => MemberKind::Folder,
            b'0' | 0 | b'7' | b'S' => MemberKind::File,
            b'1' => MemberKind::HardLink,
            b'2' => MemberKind::Symlink,
            b'3' | b'4' | b'6' => MemberKind::Device,
            b'5' => MemberKind::Folder,
            other => return Err(ArchiveFault::Kind(other).into()),
        };
        let target = extended.target.unwrap_or(header.target);
        for text in [&path, &target] {
            check_length(text)?;
        }
        let real = if is_old_sparse {
            header
                .real_bytes
                .ok_or(ArchiveFault::Header(self.position))?
        } else {
            extended.real_bytes.unwrap_or(stored)
        };
        self.member.path = path;
        self.member.kind = kind;
        self.member.target = target;
        self.member.bytes = if kind == MemberKind::File { real } else { 0 };
        self.member.head.clear();
        // Only files have content, whatever their header says (Go, `isHeaderOnly`).
        let has_body = matches!(header.kind, b'0' | 0 | b'7' | b'S');
        let stored = if has_body { stored } else { 0 };
        if is_old_sparse && block[482] != 0 {
            self.state = State::SparseMap(stored);
            return Ok(());
        }
        self.begin_body(stored, visit)
    }

    fn begin_body<E: From<ArchiveFault>>(
        &mut self,
        stored: u64,
        visit: &mut impl FnMut(&Member) -> Result<(), E>,
    ) -> Result<(), E> {
        self.state = State::Body(stored, fill(stored));
        if stored == 0 {
            self.state = State::Header;
            visit(&self.member)?;
        }
        Ok(())
    }

    fn take_special(&mut self, special: Special) -> Result<(), ArchiveFault> {
        let text = std::mem::take(&mut self.special);
        let read = || Extended::parse(&text).ok_or(ArchiveFault::Header(self.position));
        let until_nul = |text: &[u8]| text.split(|byte| *byte == 0).next().map(<[u8]>::to_vec);
        match special {
            Special::LongPath => self.extended.path = until_nul(&text),
            Special::LongTarget => self.extended.target = until_nul(&text),
            // What a global header says is not applied (Go, `Reader.next`; containerd ignores it).
            Special::Global => drop(read()?),
            Special::Extended => self.extended.join(read()?),
        }
        Ok(())
    }

    fn look_at(&mut self, part: &[u8]) {
        let head = &mut self.member.head;
        if head.len() < HEAD && !self.is_sparse && self.member.kind == MemberKind::File {
            head.extend_from_slice(&part[..part.len().min(HEAD - head.len())]);
        }
    }
}

/// At most the first `count` bytes, and the rest.
fn split(piece: &[u8], count: u64) -> (&[u8], &[u8]) {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    piece.split_at(count.min(piece.len()))
}

/// What fills the last block.
const fn fill(bytes: u64) -> u64 {
    let over = bytes % BLOCK as u64;
    if over == 0 { 0 } else { BLOCK as u64 - over }
}

fn check_length(text: &[u8]) -> Result<(), ArchiveFault> {
    let longest_name = text.split(|byte| *byte == b'/').map(<[u8]>::len).max();
    if text.len() > MAX_PATH || longest_name.unwrap_or(0) > MAX_NAME {
        return Err(ArchiveFault::LongName(text.len()));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
