//! Tells programs by their first bytes.
//!
//! Sources: System V ABI, "ELF Header", "Program Header" and "Note Section"; x86-64 psABI, "Program Property"; Microsoft,
//! "PE Format"; Apple `mach-o/loader.h` and `mach-o/fat.h`; Linux `fs/binfmt_script.c`.

use crate::facts::Executable;

const PT_INTERP: u32 = 3;
const PT_NOTE: u32 = 4;
const PT_GNU_PROPERTY: u32 = 0x6474_e553;
const NT_GNU_PROPERTY_TYPE_0: u32 = 5;
const GNU_PROPERTY_X86_ISA_1_NEEDED: u32 = 0xc000_8002;
/// The longest path of an interpreter.
const MAX_INTERPRETER: usize = 4095;

/// The program that begins with `head`; none where it is no program.
pub(super) fn executable(head: &[u8]) -> Option<Executable> {
    match head {
        [0x7f, b'E', b'L', b'F', ..] => elf(head),
        [b'#', b'!', line @ ..] => script(line),
        [b'M', b'Z', ..] => pe(head),
        [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..] => mach_o(&head[4..], true),
        [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] => mach_o(&head[4..], false),
        // Java classes begin so too: there, the version stands where a fat file counts its few architectures.
        [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 1..=30, ..] => mach_o(&head[8..], true),
        _ => None,
    }
}

/// Reads numbers in the byte order of the file.
#[derive(Clone, Copy)]
struct Reader<'a> {
    bytes: &'a [u8],
    big_endian: bool,
    is_64: bool,
}

impl Reader<'_> {
    fn number(self, at: usize, length: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..at.checked_add(length)?)?;
        let join = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Some(if self.big_endian {
            bytes.iter().fold(0, join)
        } else {
            bytes.iter().rev().fold(0, join)
        })
    }

    fn half(self, at: usize) -> Option<u16> {
        u16::try_from(self.number(at, 2)?).ok()
    }

    fn word(self, at: usize) -> Option<u32> {
        u32::try_from(self.number(at, 4)?).ok()
    }

    /// A word of the file's class: at one place in 32-bit files, at another in 64-bit ones.
    fn native(self, at_32: usize, at_64: usize) -> Option<usize> {
        let number = if self.is_64 {
            self.number(at_64, 8)?
        } else {
            self.number(at_32, 4)?
        };
        usize::try_from(number).ok()
    }
}

fn elf(head: &[u8]) -> Option<Executable> {
    let (class, data) = (*head.get(4)?, *head.get(5)?);
    let file = Reader {
        bytes: head,
        big_endian: data == 2,
        is_64: class == 2,
    };
    if !matches!(class, 1 | 2) || !matches!(data, 1 | 2) {
        return None;
    }
    let mut interpreter = None;
    let mut x86_64_level = None;
    let machine = file.half(18)?;
    let table = file.native(28, 32)?;
    let (size, count) = if file.is_64 {
        (file.half(54)?, file.half(56)?)
    } else {
        (file.half(42)?, file.half(44)?)
    };
    for number in 0..usize::from(count) {
        let Some(entry) = table.checked_add(number * usize::from(size)) else {
            break;
        };
        let segment = segment(file, entry);
        let Some((kind, start, length)) = segment else {
            break;
        };
        let content = head.get(start..start.saturating_add(length).min(head.len()));
        match (kind, content) {
            (PT_INTERP, Some(path)) if length <= MAX_INTERPRETER && path.len() == length => {
                let path = path.split(|byte| *byte == 0).next().unwrap_or_default();
                interpreter = Some(String::from_utf8_lossy(path).into_owned());
            }
            (PT_NOTE | PT_GNU_PROPERTY, Some(notes)) if machine == 62 => {
                let notes = Reader {
                    bytes: notes,
                    ..file
                };
                x86_64_level = x86_64_level.or_else(|| level(notes));
            }
            _ => {}
        }
    }
    Some(Executable::Elf {
        machine,
        bits: if file.is_64 { 64 } else { 32 },
        big_endian: file.big_endian,
        interpreter,
        x86_64_level,
    })
}

/// The type, place and size of the segment whose header is at `entry`.
fn segment(file: Reader<'_>, entry: usize) -> Option<(u32, usize, usize)> {
    let at = |offset: usize| entry.checked_add(offset);
    Some((
        file.word(entry)?,
        file.native(at(4)?, at(8)?)?,
        file.native(at(16)?, at(32)?)?,
    ))
}

/// The highest level that the notes say is needed: each has a bit.
fn level(notes: Reader<'_>) -> Option<u8> {
    let align = if notes.is_64 { 8 } else { 4 };
    let mut at = 0_usize;
    loop {
        let name = usize::try_from(notes.word(at)?).ok()?;
        let length = usize::try_from(notes.word(at.checked_add(4)?)?).ok()?;
        let kind = notes.word(at.checked_add(8)?)?;
        let content = at
            .checked_add(12)?
            .checked_add(name.checked_next_multiple_of(4)?)?;
        if kind == NT_GNU_PROPERTY_TYPE_0
            && let Some(level) = level_among(notes, content, length, align)
        {
            return Some(level);
        }
        at = content
            .checked_add(length)?
            .checked_next_multiple_of(align)?;
    }
}

fn level_among(notes: Reader<'_>, start: usize, length: usize, align: usize) -> Option<u8> {
    let end = start.checked_add(length)?;
    let mut at = start;
    while at < end {
        let kind = notes.word(at)?;
        let size = usize::try_from(notes.word(at.checked_add(4)?)?).ok()?;
        if kind == GNU_PROPERTY_X86_ISA_1_NEEDED {
            let bits = notes.word(at.checked_add(8)?)? & 0xf;
            return u8::try_from(32 - bits.leading_zeros())
                .ok()
                .filter(|level| *level > 0);
        }
        at = at
            .checked_add(8)?
            .checked_add(size)?
            .checked_next_multiple_of(align)?;
    }
    None
}

/// The first line, as the kernel reads it: an interpreter, and all that follows as one argument.
fn script(line: &[u8]) -> Option<Executable> {
    let line = line.split(|byte| *byte == b'\n').next()?;
    let line = str::from_utf8(line.get(..line.len().min(253))?).ok()?;
    let line = line.trim_matches([' ', '\t']);
    let (interpreter, argument) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    (!interpreter.is_empty()).then(|| Executable::Script {
        interpreter: interpreter.to_owned(),
        argument: argument.trim_matches([' ', '\t']).to_owned(),
    })
}

fn pe(head: &[u8]) -> Option<Executable> {
    let file = Reader {
        bytes: head,
        big_endian: false,
        is_64: false,
    };
    let at = usize::try_from(file.word(0x3c)?).ok()?;
    let is_pe = head.get(at..at.checked_add(4)?)? == b"PE\0\0";
    let machine = file.half(at.checked_add(4)?)?;
    is_pe.then_some(Executable::Pe { machine })
}

fn mach_o(behind_magic: &[u8], big_endian: bool) -> Option<Executable> {
    let file = Reader {
        bytes: behind_magic,
        big_endian,
        is_64: false,
    };
    let cpu = file.word(0)?;
    Some(Executable::MachO { cpu })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A 64-bit little-endian ELF file with these segments: type and content.
    fn elf_with(machine: u16, segments: &[(u32, &[u8])]) -> Vec<u8> {
        let mut file = b"\x7fELF\x02\x01\x01".to_vec();
        file.resize(16, 0);
        file.extend(2_u16.to_le_bytes());
        file.extend(machine.to_le_bytes());
        file.resize(32, 0);
        file.extend(64_u64.to_le_bytes());
        file.resize(54, 0);
        file.extend(56_u16.to_le_bytes());
        file.extend(u16::try_from(segments.len()).expect("few").to_le_bytes());
        file.resize(64, 0);
        let mut offset = 64 + 56 * segments.len();
        for (kind, content) in segments {
            let start = file.len();
            file.extend(kind.to_le_bytes());
            file.extend(4_u32.to_le_bytes());
            file.extend((offset as u64).to_le_bytes());
            file.resize(start + 32, 0);
            file.extend((content.len() as u64).to_le_bytes());
            file.resize(start + 56, 0);
            offset += content.len();
        }
        for (_, content) in segments {
            file.extend(*content);
        }
        file
    }

    fn isa_note(bits: u32) -> Vec<u8> {
        let property = [
            GNU_PROPERTY_X86_ISA_1_NEEDED.to_le_bytes(),
            4_u32.to_le_bytes(),
            bits.to_le_bytes(),
            [0; 4],
        ]
        .concat();
        let length = u32::try_from(property.len()).expect("short");
        let mut note = 4_u32.to_le_bytes().to_vec();
        note.extend(length.to_le_bytes());
        note.extend(NT_GNU_PROPERTY_TYPE_0.to_le_bytes());
        note.extend(b"GNU\0");
        note.extend(property);
        note
    }

    #[test]
    fn elf_files_say_machine_interpreter_and_level() {
        let note = isa_note(0b111);
        let file = elf_with(62, &[(PT_INTERP, b"/lib64/ld.so\0"), (PT_NOTE, &note)]);
        let found = executable(&file).expect("a program");
        assert_eq!(found.architecture(), Some("amd64"));
        assert_eq!(found.interpreter(), Some("/lib64/ld.so"));
        let Executable::Elf { x86_64_level, .. } = found else {
            panic!("no ELF");
        };
        assert_eq!(x86_64_level, Some(3));
        let arm = executable(&elf_with(183, &[])).expect("a program");
        assert_eq!(
            (arm.architecture(), arm.interpreter()),
            (Some("arm64"), None)
        );
    }

    #[test]
    fn other_programs_are_told_too() {
        let mut pe = b"MZ".to_vec();
        pe.resize(0x3c, 0);
        pe.extend(0x40_u32.to_le_bytes());
        pe.extend(b"PE\0\0\x64\x86");
        for (head, os, architecture) in [
            (&pe[..], Some("windows"), Some("amd64")),
            (
                b"\xcf\xfa\xed\xfe\x0c\0\0\x01",
                Some("darwin"),
                Some("arm64"),
            ),
            (
                b"\xca\xfe\xba\xbe\0\0\0\x02\x01\0\0\x07",
                Some("darwin"),
                Some("amd64"),
            ),
            (b"#! /bin/sh -e\n", None, None),
        ] {
            let found = executable(head).expect("a program");
            assert_eq!((found.os(), found.architecture()), (os, architecture));
        }
        let java: &[u8] = b"\xca\xfe\xba\xbe\0\0\0\x3d\0\x1d\x0a\0";
        for head in [java, b"", b"\x7fELF", b"MZ", b"#!\n", b"hello"] {
            assert_eq!(executable(head), None, "{head:?}");
        }
        let windows_line_end = executable(b"#!/bin/sh\r\n").expect("a script");
        assert_eq!(windows_line_end.interpreter(), Some("/bin/sh\r"));
    }

    proptest! {
        #[test]
        fn any_bytes_behind_a_magic_are_read_or_refused(magic in 0..5_usize, rest: Vec<u8>) {
            let magics: [&[u8]; 5] = [b"\x7fELF\x02\x01", b"\x7fELF\x01\x02", b"MZ", b"#!", b"\xcf\xfa\xed\xfe"];
            let _ = executable(&[magics[magic], &rest].concat());
        }
    }
}
