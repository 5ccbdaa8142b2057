//! What the first bytes of a program say.

/// A program, by its first bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Executable {
    /// ELF: Linux and most other systems.
    Elf {
        /// `e_machine` (<https://www.sco.com/developers/gabi/latest/ch4.eheader.html>).
        machine: u16,
        /// 32 or 64.
        bits: u8,
        /// Whether numbers stand in it with the highest byte first.
        big_endian: bool,
        /// The program that the kernel loads it with (`PT_INTERP`); none for a static one.
        interpreter: Option<String>,
        /// The level of x86-64 that it says it needs, 1 to 4: `GNU_PROPERTY_X86_ISA_1_NEEDED` (x86-64 psABI, "Program
        /// Property").
        x86_64_level: Option<u8>,
    },
    /// PE: Windows. `Machine` of the COFF header.
    Pe {
        /// <https://learn.microsoft.com/windows/win32/debug/pe-format#machine-types>
        machine: u16,
    },
    /// Mach-O: macOS. The first `cputype` (Apple `mach/machine.h`).
    MachO {
        /// Its lowest 24 bits, with the 64-bit mark above them.
        cpu: u32,
    },
    /// A text that begins with `#!`.
    Script {
        /// The interpreter, as it stands there.
        interpreter: String,
        /// What it is given, such as `bash` of `#!/usr/bin/env bash`; empty for nothing.
        argument: String,
    },
}

impl Executable {
    /// The operating system; none for scripts.
    #[must_use]
    pub const fn os(&self) -> Option<&'static str> {
        match self {
            Self::Elf { .. } => Some("linux"),
            Self::Pe { .. } => Some("windows"),
            Self::MachO { .. } => Some("darwin"),
            Self::Script { .. } => None,
        }
    }

    /// The architecture in the words of platforms (Go's `GOARCH`); none for scripts, and for machines that have no such word.
    #[must_use]
    pub const fn architecture(&self) -> Option<&'static str> {
        match *self {
            Self::Elf {
                machine,
                bits,
                big_endian,
                ..
            } => elf_architecture(machine, bits, big_endian),
            Self::Pe { machine } => match machine {
                0x14c => Some("386"),
                0x8664 => Some("amd64"),
                0x1c0 | 0x1c4 => Some("arm"),
                0xaa64 => Some("arm64"),
                _ => None,
            },
            Self::MachO { cpu } => match cpu {
                7 => Some("386"),
                0x0100_0007 => Some("amd64"),
                0x0100_000c => Some("arm64"),
                _ => None,
            },
            Self::Script { .. } => None,
        }
    }

    /// The program that the kernel starts in its stead; none where it starts the program itself.
    #[must_use]
    pub fn interpreter(&self) -> Option<&str> {
        match self {
            Self::Elf { interpreter, .. } => interpreter.as_deref(),
            Self::Script { interpreter, .. } => Some(interpreter),
            Self::Pe { .. } | Self::MachO { .. } => None,
        }
    }

    /// What it is, for a person.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Elf { .. } => "ELF",
            Self::Pe { .. } => "PE",
            Self::MachO { .. } => "Mach-O",
            Self::Script { .. } => "script",
        }
    }
}

/// Linux `include/uapi/linux/elf-em.h`, and Go `src/debug/elf/elf.go`.
const fn elf_architecture(machine: u16, bits: u8, big_endian: bool) -> Option<&'static str> {
    match (machine, bits, big_endian) {
        (3, ..) => Some("386"),
        (62, ..) => Some("amd64"),
        (40, _, false) => Some("arm"),
        (183, _, false) => Some("arm64"),
        (243, 64, _) => Some("riscv64"),
        (21, _, false) => Some("ppc64le"),
        (21, _, true) => Some("ppc64"),
        (22, 64, _) => Some("s390x"),
        (258, 64, _) => Some("loong64"),
        (8, 64, false) => Some("mips64le"),
        (8, 64, true) => Some("mips64"),
        (8, _, false) => Some("mipsle"),
        (8, _, true) => Some("mips"),
        _ => None,
    }
}
