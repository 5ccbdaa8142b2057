//! What keeps the programs of an image from running on its platform.

use crate::facts::{Executable, Files, Program, ProgramRole};
use crate::finding::Severity;
use crate::oci::Platform;

/// A fault of one program.
pub(super) struct ProgramFault {
    /// Follows "REF is labelled PLATFORM, and".
    pub message: String,
    pub severity: Severity,
    pub help: &'static str,
    /// What the container's log, or the container's state, would say.
    pub log: String,
}

const REBUILD: &str = "Build the image for its platform, and look for binaries that are downloaded or copied for a fixed one: \
     `ARG TARGETARCH` in the Dockerfile holds the one that is built for.";
const ADD_INTERPRETER: &str = "Copy a statically linked program (`CGO_ENABLED=0`, a musl target), or use a base image that has \
     the interpreter, as `FROM debian:stable-slim` has glibc's.";
const LOWER_LEVEL: &str = "Build for an older processor (`-march=x86-64-v2`), or use a base image that does; or say what is \
     needed: `--platform linux/amd64/v3`.";

/// The first error, or else the first fault, in the order in which programs start. Where nothing that the image starts can be
/// told, the programs in the folders of `PATH` count, if most of them are for another machine: others may lie there to be
/// copied elsewhere.
pub(super) fn program_fault(files: &Files, platform: &Platform) -> Option<ProgramFault> {
    let faults = files
        .programs
        .iter()
        .filter_map(|program| fault(program, platform));
    let (errors, others): (Vec<_>, Vec<_>) =
        faults.partition(|fault| fault.severity == Severity::Error);
    let is_known = |program: &Program| {
        program.role != ProgramRole::Shell && program.executable.architecture().is_some()
    };
    let by_path = || {
        let is_told = files.programs.iter().any(is_known);
        (!is_told).then(|| path_fault(files, platform)).flatten()
    };
    errors.into_iter().chain(others).next().or_else(by_path)
}

fn fault(program: &Program, platform: &Platform) -> Option<ProgramFault> {
    let name = match program.role {
        ProgramRole::Entrypoint => format!("its entrypoint {}", program.path),
        ProgramRole::Command => format!("{}, which its entrypoint starts,", program.path),
        ProgramRole::Interpreter => format!("{}, which its entrypoint needs,", program.path),
        ProgramRole::Shell => format!("its shell {}", program.path),
    };
    let executable = &program.executable;
    if let Some(os) = executable.os()
        && (os != platform.os || executable.architecture() != Some(&platform.architecture))
    {
        return foreign(&name, program, os, platform);
    }
    if let Some(interpreter) = &program.missing_interpreter {
        return Some(ProgramFault {
            message: format!(
                "{name} needs {}, which is not in the image",
                shown(interpreter)
            ),
            severity: Severity::Error,
            help: ADD_INTERPRETER,
            log: format!("exec /{}: no such file or directory", program.path),
        });
    }
    match executable {
        Executable::Elf {
            x86_64_level: Some(level @ 3..),
            ..
        } if *level > declared_level(platform) => Some(ProgramFault {
            message: format!("{name} says that it needs x86-64-v{level}"),
            severity: Severity::Warning,
            help: LOWER_LEVEL,
            log: "CPU ISA level is lower than required".to_owned(),
        }),
        _ => None,
    }
}

/// A program of another machine. A system that is none of those that programs are told for has no foreign ones.
fn foreign(name: &str, program: &Program, os: &str, platform: &Platform) -> Option<ProgramFault> {
    if !matches!(platform.os.as_str(), "linux" | "windows" | "darwin") {
        return None;
    }
    let executable = &program.executable;
    let kind = executable.kind();
    let log = format!("exec /{}: exec format error", program.path);
    let (message, severity) = match (executable.architecture(), platform.architecture.as_str()) {
        // A kernel may run the 32-bit programs of its own processor. Many Arm servers cannot.
        (Some("386"), "amd64") if os == platform.os => (
            format!(
                "{name} is a 32-bit program ({os}/386), which nodes run only where their kernel allows it"
            ),
            Severity::Warning,
        ),
        (Some("arm"), "arm64") if os == platform.os => (
            format!(
                "{name} is a 32-bit program ({os}/arm), which most 64-bit Arm servers cannot run"
            ),
            Severity::Error,
        ),
        (Some(architecture), _) => (
            format!("{name} is built for {os}/{architecture} ({kind})"),
            Severity::Error,
        ),
        (None, _) => (
            format!("{name} is built for a machine that no platform names ({kind})"),
            Severity::Error,
        ),
    };
    Some(ProgramFault {
        message,
        severity,
        help: REBUILD,
        log,
    })
}

fn path_fault(files: &Files, platform: &Platform) -> Option<ProgramFault> {
    let all: usize = files.on_path.values().map(|(count, _)| count).sum();
    let (architecture, (count, first)) = files
        .on_path
        .iter()
        .filter(|(architecture, _)| **architecture != platform.architecture)
        .max_by_key(|(_, (count, _))| *count)?;
    let is_32_bit = matches!(
        (*architecture, platform.architecture.as_str()),
        ("386", "amd64") | ("arm", "arm64")
    );
    (count * 2 > all && !is_32_bit).then(|| ProgramFault {
        message: format!(
            "{count} of the {all} programs on its PATH are built for {architecture}, such as {first}"
        ),
        severity: Severity::Error,
        help: REBUILD,
        log: format!("exec /{first}: exec format error"),
    })
}

/// The level that the platform's variant says (containerd `platforms`, `amd64` variants); 2, where it says none: all
/// processors that nodes have had since 2009 have it.
fn declared_level(platform: &Platform) -> u8 {
    match platform.variant.as_deref() {
        Some("v3") => 3,
        Some("v4") => 4,
        _ => 2,
    }
}

/// A carriage return at its end is what makes most interpreters missing.
fn shown(interpreter: &str) -> String {
    match interpreter.strip_suffix('\r') {
        Some(path) => format!("{path} with a carriage return behind it (a Windows line end)"),
        None => interpreter.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn elf(machine: u16, bits: u8) -> Executable {
        Executable::Elf {
            machine,
            bits,
            big_endian: false,
            interpreter: None,
            x86_64_level: None,
        }
    }

    fn entrypoint(executable: Executable, missing: Option<&str>) -> Files {
        Files {
            programs: vec![Program {
                role: ProgramRole::Entrypoint,
                path: "app".to_owned(),
                executable,
                missing_interpreter: missing.map(str::to_owned),
            }],
            ..Files::default()
        }
    }

    fn message(files: &Files, platform: &str) -> Option<(Severity, String)> {
        let platform: Platform = platform.parse().expect("a platform");
        program_fault(files, &platform).map(|fault| (fault.severity, fault.message))
    }

    #[test]
    fn programs_are_held_against_the_platform() {
        let level = |x86_64_level| Executable::Elf {
            machine: 62,
            bits: 64,
            big_endian: false,
            interpreter: None,
            x86_64_level: Some(x86_64_level),
        };
        let script = Executable::Script {
            interpreter: "/bin/sh\r".to_owned(),
            argument: String::new(),
        };
        for (executable, missing, platform, expected) in [
            (elf(62, 64), None, "linux/amd64", None),
            (elf(183, 64), None, "linux/arm64/v8", None),
            (elf(40, 32), None, "linux/arm/v7", None),
            (level(2), None, "linux/amd64", None),
            (level(3), None, "linux/amd64/v3", None),
            (
                elf(62, 64),
                None,
                "linux/arm64",
                Some("its entrypoint app is built for linux/amd64 (ELF)"),
            ),
            (
                elf(3, 32),
                None,
                "linux/amd64",
                Some(
                    "its entrypoint app is a 32-bit program (linux/386), which nodes run only where their kernel allows it",
                ),
            ),
            (
                elf(40, 32),
                None,
                "linux/arm64",
                Some(
                    "its entrypoint app is a 32-bit program (linux/arm), which most 64-bit Arm servers cannot run",
                ),
            ),
            (
                Executable::Pe { machine: 0x8664 },
                None,
                "linux/amd64",
                Some("its entrypoint app is built for windows/amd64 (PE)"),
            ),
            (
                elf(106, 64),
                None,
                "linux/amd64",
                Some("its entrypoint app is built for a machine that no platform names (ELF)"),
            ),
            (
                elf(62, 64),
                Some("/lib64/ld-linux-x86-64.so.2"),
                "linux/amd64",
                Some(
                    "its entrypoint app needs /lib64/ld-linux-x86-64.so.2, which is not in the image",
                ),
            ),
            (
                script,
                Some("/bin/sh\r"),
                "linux/amd64",
                Some(
                    "its entrypoint app needs /bin/sh with a carriage return behind it (a Windows line end), which is not in the image",
                ),
            ),
            (
                level(3),
                None,
                "linux/amd64",
                Some("its entrypoint app says that it needs x86-64-v3"),
            ),
        ] {
            let found = message(&entrypoint(executable, missing), platform);
            assert_eq!(
                found.map(|(_, message)| message).as_deref(),
                expected,
                "{platform}"
            );
        }
    }

    #[test]
    fn most_programs_on_the_path_decide_where_the_entrypoint_is_not_known() {
        let files = |own, foreign| Files {
            on_path: [
                ("amd64", (own, "bin/own".to_owned())),
                ("arm64", (foreign, "bin/foreign".to_owned())),
            ]
            .into(),
            ..Files::default()
        };
        let (_, found) = message(&files(1, 9), "linux/amd64").expect("a fault");
        assert_eq!(
            found,
            "9 of the 10 programs on its PATH are built for arm64, such as bin/foreign"
        );
        let started = Files {
            on_path: files(1, 9).on_path,
            ..entrypoint(elf(62, 64), None)
        };
        assert_eq!(message(&started, "linux/amd64"), None);
        assert_eq!(message(&files(9, 1), "linux/amd64"), None);
        assert_eq!(message(&files(1, 1), "linux/amd64"), None);
    }

    #[test]
    fn an_error_stands_before_what_is_only_risky() {
        let mut files = entrypoint(elf(3, 32), None);
        let (severity, _) = message(&files, "linux/amd64").expect("a fault");
        assert_eq!(severity, Severity::Warning);
        files.programs.push(Program {
            role: ProgramRole::Command,
            path: "usr/bin/node".to_owned(),
            executable: elf(183, 64),
            missing_interpreter: None,
        });
        assert_eq!(
            message(&files, "linux/amd64"),
            Some((
                Severity::Error,
                "usr/bin/node, which its entrypoint starts, is built for linux/arm64 (ELF)"
                    .to_owned()
            ))
        );
    }
}
