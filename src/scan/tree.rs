//! The files of an image: its layers laid upon each other, as container runtimes do it (OCI image-spec `layer.md`, "Applying
//! Changesets"; containerd `pkg/archive/tar.go`).

use super::entries::{Entries, Entry, EntryKind};
use super::paths::{PathId, Paths, ROOT, Text};

/// How many symbolic links are followed, as in Linux (`MAXSYMLINKS`).
const MAX_LINKS: usize = 40;

/// What can be seen at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Seen {
    #[default]
    Nothing,
    Folder,
    /// The number of its content.
    File(u32),
    Symlink(Text),
    Device,
}

/// The content of a file. Hard links share one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    pub bytes: u64,
    pub layer: u16,
    /// The number of its program in its layer.
    pub executable: u16,
    /// How many names it has.
    pub links: u32,
}

/// Content that can no longer be seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hidden {
    /// Where it was hidden: the file that was stored again, or what was deleted.
    pub at: PathId,
    pub bytes: u64,
    pub stored_in: u16,
    pub covered_by: u16,
    pub deleted: bool,
}

/// What hides content.
#[derive(Debug, Clone, Copy)]
struct Hiding {
    at: PathId,
    layer: u16,
    deleted: bool,
}

/// The files of an image.
#[derive(Default)]
pub(super) struct Tree {
    pub paths: Paths,
    seen: Vec<Seen>,
    stored: Vec<Stored>,
    /// The folder of the last entry, so that it is not looked up again for the next.
    last_folder: Option<(Vec<u8>, PathId)>,
    pub hidden: Vec<Hidden>,
}

impl Tree {
    /// Lays a layer upon what is there. Its whiteouts are about lower layers, wherever in it they stand.
    pub fn lay(&mut self, layer: u16, entries: &Entries) {
        entries.for_each(|entry| self.white_out(layer, entry));
        entries.for_each(|entry| self.add(layer, entry));
    }

    fn white_out(&mut self, layer: u16, entry: Entry<'_>) {
        let hiding = |at| Hiding {
            at,
            layer,
            deleted: true,
        };
        match entry.kind {
            EntryKind::Whiteout => {
                if let Some(id) = self.find(entry.path, false) {
                    self.hide(id, hiding(id));
                }
            }
            EntryKind::Opaque => {
                if let Some(folder) = self.find(entry.path, true) {
                    let children: Vec<PathId> = self.paths.children(folder).collect();
                    for child in children {
                        self.hide(child, hiding(folder));
                    }
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, layer: u16, entry: Entry<'_>) {
        // Before the old content goes: the new may be a link to it.
        let linked = match entry.kind {
            EntryKind::Whiteout | EntryKind::Opaque => return,
            EntryKind::HardLink(target) => self.find(target, false).map(|id| self.seen(id)),
            _ => None,
        };
        let id = self.make(entry.path);
        if entry.kind == EntryKind::Folder && self.seen(id) == Seen::Folder {
            return;
        }
        let seen = match entry.kind {
            EntryKind::File { bytes, executable } => self.store(layer, bytes, executable),
            EntryKind::Symlink(target) => Seen::Symlink(self.paths.keep(target)),
            EntryKind::HardLink(_) => linked.map_or(Seen::Nothing, |seen| self.link(seen)),
            EntryKind::Device => Seen::Device,
            _ => Seen::Folder,
        };
        let hiding = Hiding {
            at: id,
            layer,
            deleted: false,
        };
        self.hide(id, hiding);
        self.set(id, seen);
        if matches!(seen, Seen::Symlink(_)) {
            self.last_folder = None;
        }
    }

    fn store(&mut self, layer: u16, bytes: u64, executable: usize) -> Seen {
        let number = u32::try_from(self.stored.len()).unwrap_or(u32::MAX);
        self.stored.push(Stored {
            bytes,
            layer,
            executable: u16::try_from(executable).unwrap_or(0),
            links: 1,
        });
        Seen::File(number)
    }

    fn link(&mut self, to: Seen) -> Seen {
        if let Seen::File(number) = to
            && let Some(stored) = self.stored.get_mut(number as usize)
        {
            stored.links += 1;
        }
        to
    }

    /// Takes away what can be seen at a path and below it.
    fn hide(&mut self, id: PathId, hiding: Hiding) {
        let mut doomed = vec![id];
        while let Some(id) = doomed.pop() {
            match self.seen(id) {
                Seen::Nothing => continue,
                Seen::File(number) => self.unlink(number, hiding),
                Seen::Folder => {
                    doomed.extend(self.paths.children(id));
                    self.last_folder = None;
                }
                Seen::Symlink(_) => self.last_folder = None,
                Seen::Device => {}
            }
            self.set(id, Seen::Nothing);
        }
    }

    fn unlink(&mut self, number: u32, hiding: Hiding) {
        let Some(stored) = self.stored.get_mut(number as usize) else {
            return;
        };
        stored.links = stored.links.saturating_sub(1);
        if stored.links == 0 {
            self.hidden.push(Hidden {
                at: hiding.at,
                bytes: stored.bytes,
                stored_in: stored.layer,
                covered_by: hiding.layer,
                deleted: hiding.deleted,
            });
        }
    }

    /// What can be seen at a path.
    pub fn seen(&self, id: PathId) -> Seen {
        if id == ROOT {
            return Seen::Folder;
        }
        self.seen.get(id as usize).copied().unwrap_or_default()
    }

    fn set(&mut self, id: PathId, seen: Seen) {
        let at = id as usize;
        if self.seen.len() <= at {
            self.seen
                .resize(self.paths.len().max(at + 1), Seen::Nothing);
        }
        self.seen[at] = seen;
    }

    /// The content with that number.
    pub fn stored(&self, number: u32) -> Option<Stored> {
        self.stored.get(number as usize).copied()
    }

    /// Where a path leads, with symbolic links followed on the way, and at its end too where `through` says so; none where
    /// nothing can be seen there.
    pub fn find(&self, path: &[u8], through: bool) -> Option<PathId> {
        self.follow(ROOT, path, through)
    }

    fn follow(&self, from: PathId, path: &[u8], through: bool) -> Option<PathId> {
        let mut rest: Vec<&[u8]> = parts(path).collect();
        let mut at = from;
        let mut links = 0;
        while let Some(part) = rest.pop() {
            if part == b".." {
                at = self.paths.parent(at);
                continue;
            }
            let child = self.paths.child(at, part)?;
            match self.seen(child) {
                Seen::Nothing => return None,
                Seen::Symlink(target) if through || !rest.is_empty() => {
                    links += 1;
                    if links > MAX_LINKS {
                        return None;
                    }
                    let target = self.paths.text(target);
                    if target.starts_with(b"/") {
                        at = ROOT;
                    }
                    rest.extend(parts(target));
                }
                _ => at = child,
            }
        }
        Some(at)
    }

    /// The path of an entry, in folders that can be seen. Symbolic links among them are followed.
    fn make(&mut self, path: &[u8]) -> PathId {
        let cut = path.iter().rposition(|byte| *byte == b'/');
        let (folder, name) = cut.map_or((&[][..], path), |at| (&path[..at], &path[at + 1..]));
        let known = self.last_folder.as_ref();
        let known = known.filter(|(last, _)| last == folder).map(|(_, id)| *id);
        let id = known.unwrap_or_else(|| {
            let id = self.make_folder(folder);
            self.last_folder = Some((folder.to_vec(), id));
            id
        });
        self.paths.child_or_new(id, name)
    }

    fn make_folder(&mut self, path: &[u8]) -> PathId {
        let mut at = ROOT;
        for part in path
            .split(|byte| *byte == b'/')
            .filter(|part| !part.is_empty())
        {
            let child = self.paths.child_or_new(at, part);
            let target = match self.seen(child) {
                Seen::Symlink(_) => self.follow(at, part, true),
                _ => None,
            };
            at = target.unwrap_or(child);
            if self.seen(at) == Seen::Nothing {
                self.set(at, Seen::Folder);
            }
        }
        at
    }
}

/// The parts of a path, the last one first.
fn parts(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.rsplit(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
}

#[cfg(test)]
mod tests;
