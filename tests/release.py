#!/usr/bin/env python3
"""Tests what a release is made of: versions, archive, image, crate, release workflow.

    tests/release.py PROGRAM

PROGRAM is a built oci-preflight. `tests/run` calls this, with a static build where the machine can make one.
"""

import hashlib
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import unittest
import zipfile

PROJECT = pathlib.Path(__file__).resolve().parent.parent
TARGET = PROJECT / os.environ.get("CARGO_TARGET_DIR", "target")
MANIFEST = tomllib.loads((PROJECT / "Cargo.toml").read_text())
VERSION = MANIFEST["package"]["version"]
HOST = "x86_64-unknown-linux-musl"
WINDOWS = "x86_64-pc-windows-msvc"
# The first bytes of a program for 64-bit Arm. It stands in for what only an Arm machine builds.
ARM_PROGRAM = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00\x01\x00\x00\x00" + bytes(40)
PROGRAM = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else "oci-preflight").resolve()


def main(module):
    """Runs the tests of a module, and sums up as `cargo test` does."""
    result = unittest.main(module, exit=False, verbosity=2).result
    failed = len(result.failures) + len(result.errors)
    passed = result.testsRun - failed - len(result.skipped)
    print(f"test result: {'FAILED' if failed else 'ok'}. {passed} passed; {failed} failed; {len(result.skipped)} ignored")
    sys.exit(failed > 0)


def run(*words, status=0, **more):
    """What a command prints; it must end with that status."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **more)
    if done.returncode != status:
        raise AssertionError(f"{words[0]} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


class Folder(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.folder.chmod(0o755)


class Versions(Folder):
    def test_every_file_names_the_version_of_the_crate(self):
        run(PROJECT / "packaging/set-version", "--check")

    def test_one_command_sets_the_version_everywhere(self):
        copy = self.folder / "copy"
        run("git", "clone", "--quiet", "--no-hardlinks", PROJECT, copy)
        for name in run("git", "ls-files", "--modified", "--others", "--exclude-standard", cwd=PROJECT).splitlines():
            if (PROJECT / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(PROJECT / name, copy / name)
        changed = run(copy / "packaging/set-version", "9.8.7-rc.1").splitlines()
        self.assertLessEqual({"Cargo.toml", "Cargo.lock", "README.md"}, set(changed))
        self.assertEqual(run(copy / "packaging/set-version", "--check"), "every file says 9.8.7-rc.1\n")
        package = json.loads(run("cargo", "metadata", "--locked", "--offline", "--format-version=1", "--no-deps", cwd=copy))
        self.assertEqual(package["packages"][0]["version"], "9.8.7-rc.1")
        readme = (copy / "README.md").read_text()
        self.assertIn("oci-preflight/oci-preflight:9.8.7-rc.1", readme)
        readme = readme.replace("oci-preflight/oci-preflight:9.8.7-rc.1", "oci-preflight/oci-preflight:9.8.6", 1)
        (copy / "README.md").write_text(readme)
        told = run(copy / "packaging/set-version", "--check", status=1)
        self.assertRegex(told, r"^README\.md:\d+: 9\.8\.6, and Cargo\.toml has 9\.8\.7-rc\.1\n$")
        run(copy / "packaging/set-version", "1.2", status=1)


def made(target, folder):
    return pathlib.Path(run(PROJECT / "packaging/archive", target, PROGRAM, folder).strip())


class Archive(Folder):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.made = {target: made(target, pathlib.Path(temporary.name)) for target in [HOST, WINDOWS]}

    def archive(self, target=HOST):
        return self.made[target]

    def test_the_same_program_gives_the_same_archive(self):
        first, second = self.archive(), made(HOST, self.folder)
        self.assertEqual(first.read_bytes(), second.read_bytes())
        run("sha256sum", "--check", "--strict", f"{first.name}.sha256", cwd=first.parent)

    def test_it_holds_what_an_installation_needs_and_nothing_of_who_built_it(self):
        path = self.archive()
        name = f"oci-preflight-{VERSION}-{HOST}"
        self.assertEqual(path.name, f"{name}.tar.gz")
        with tarfile.open(path) as archive:
            entries = archive.getmembers()
        names = [entry.name.removeprefix(f"{name}/") for entry in entries]
        self.assertEqual(names, sorted(names))
        self.assertLessEqual(
            {"oci-preflight", "README.md", "LICENSE", "CHANGELOG.md", "completions/oci-preflight.bash", "man/man1/oci-preflight.1"},
            set(names),
        )
        self.assertEqual({(entry.uid, entry.gid, entry.uname, entry.gname) for entry in entries}, {(0, 0, "", "")})
        self.assertEqual({entry.mtime for entry in entries}, {315532800})
        modes = {entry.mode for entry in entries if entry.name != f"{name}/oci-preflight"}
        self.assertEqual(modes, {0o644})

    def test_windows_gets_a_zip(self):
        path = self.archive(WINDOWS)
        with zipfile.ZipFile(path) as archive:
            self.assertIsNone(archive.testzip())
            self.assertIn(f"oci-preflight-{VERSION}-{WINDOWS}/oci-preflight.exe", archive.namelist())

    def test_every_command_that_is_shown_has_a_manual_page(self):
        shown = {"lint", "inspect", "merge", "rules", "probe", "explain", "schema", "cache", "completions"}
        with tarfile.open(self.archive()) as archive:
            pages = {pathlib.Path(name).name for name in archive.getnames()}
        self.assertLessEqual({f"oci-preflight-{command}.1" for command in shown}, pages)

    def test_it_can_be_installed_and_used(self):
        path = self.archive()
        prefix = self.folder / "usr"
        prefix.mkdir()
        run("tar", "--extract", "--gzip", "--file", path, "--directory", prefix, "--strip-components=1")
        self.assertEqual(run(prefix / "oci-preflight", "--version"), f"oci-preflight {VERSION}\n")
        self.assertIn("retired-registry", run(prefix / "oci-preflight", "rules"))
        page = run("man", "--local-file", prefix / "man/man1/oci-preflight-lint.1", env={**os.environ, "MANWIDTH": "100"})
        self.assertIn("--partition", page)
        completed = run(
            "bash", "--norc", "-c",
            f'set -eu; source {prefix}/completions/oci-preflight.bash; complete -p oci-preflight; '
            'COMP_WORDS=(oci-preflight lint --part) COMP_CWORD=2 COMPREPLY=(); '
            '_oci__preflight oci-preflight --part lint; printf "%s\\n" "${COMPREPLY[@]}"',
        )
        self.assertIn("--partition", completed)

    def test_binstall_looks_for_it_by_its_name_and_finds_the_program_in_it(self):
        settings = MANIFEST["package"]["metadata"]["binstall"]
        for target in [HOST, WINDOWS]:
            own = {**settings, **settings["overrides"].get(target, {})}
            words = {
                "repo": MANIFEST["package"]["repository"], "version": VERSION, "name": "oci-preflight", "target": target,
                "bin": "oci-preflight", "binary-ext": ".exe" if "windows" in target else "",
            }
            fill = lambda text: re.sub(r"{ ([a-z-]+) }", lambda found: words[found[1]], text)
            path = self.archive(target)
            self.assertEqual(
                fill(own["pkg-url"]), f"{words['repo']}/releases/download/v{VERSION}/{path.name}"
            )
            shutil.unpack_archive(path, self.folder / target)
            self.assertTrue((self.folder / target / fill(own["bin-dir"])).is_file())

    def test_a_program_of_another_version_is_refused(self):
        other = self.folder / "other"
        other.write_text("#!/bin/sh\necho oci-preflight 0.0.0\n")
        other.chmod(0o755)
        done = subprocess.run(
            [PROJECT / "packaging/archive", HOST, other, self.folder], capture_output=True, text=True, check=False
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"is not oci-preflight {VERSION}", done.stderr)


class Image(Folder):
    def test_the_image_for_both_architectures_passes_its_own_lint(self):
        layouts = [self.build("first"), self.build("second")]
        blobs = [sorted(path.name for path in (layout / "blobs/sha256").iterdir()) for layout in layouts]
        self.assertEqual(*blobs)
        index = self.blob(layouts[0], json.loads((layouts[0] / "index.json").read_text())["manifests"][0])
        platforms = [entry["platform"] for entry in index["manifests"]]
        self.assertEqual(
            platforms, [{"architecture": "amd64", "os": "linux"}, {"architecture": "arm64", "os": "linux"}]
        )
        for entry, platform in zip(index["manifests"], platforms):
            manifest = self.blob(layouts[0], entry)
            config = self.blob(layouts[0], manifest["config"])
            self.assertEqual(config["architecture"], platform["architecture"])
            self.assertEqual(config["config"]["User"], "65532:65532")
            self.assertEqual(config["config"]["Entrypoint"], ["/usr/bin/oci-preflight"])
            self.assertEqual(config["config"]["WorkingDir"], "/src")
            self.assertEqual(files(layouts[0], manifest), {"usr/bin/oci-preflight": 0o755})

    def test_the_program_runs_where_there_is_nothing_else(self):
        if "INTERP" in run("readelf", "--program-headers", PROGRAM):
            self.skipTest("the program is not static")
        if os.geteuid() != 0:
            self.skipTest("only root can change the root folder")
        root = self.folder / "root"
        shutil.copytree(PROJECT / "fixtures", root / "src/fixtures")
        (root / "usr/bin").mkdir(parents=True)
        shutil.copy(PROGRAM, root / "usr/bin/oci-preflight")
        chroot = shutil.which("chroot", path="/usr/sbin:/usr/bin")
        words = [chroot, "--userspec=65532:65532", root, "/usr/bin/oci-preflight", "lint", "/src/fixtures/k8s"]
        report = json.loads(run(*words, "--output=json", status=1, env={}))
        self.assertEqual(report["summary"]["verdict"], "fail")
        # Without a certificate of the system, it has those that it carries: a wrong host is then no matter of certificates.
        told = run(*words[:4], "probe", "registry.invalid", status=1, env={})
        self.assertIn("DNS", told.upper())

    def build(self, name):
        context = self.folder / name / "context"
        for architecture in ["amd64", "arm64"]:
            (context / "linux" / architecture).mkdir(parents=True)
        shutil.copy(PROGRAM, context / "linux/amd64/oci-preflight")
        (context / "linux/arm64/oci-preflight").write_bytes(ARM_PROGRAM)
        layout = self.folder / name / "layout"
        said = run(PROJECT / "packaging/image", context, layout, VERSION, PROGRAM)
        self.assertIn("no findings", said)
        return layout

    def blob(self, layout, descriptor):
        content = (layout / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes()
        self.assertEqual("sha256:" + hashlib.sha256(content).hexdigest(), descriptor["digest"])
        return json.loads(content)


def files(layout, manifest):
    """The files of an image with their modes."""
    found = {}
    for layer in manifest["layers"]:
        with tarfile.open(layout / "blobs" / layer["digest"].replace(":", "/")) as archive:
            found |= {entry.name: stat.S_IMODE(entry.mode) for entry in archive if entry.isfile()}
    return found


class Crate(unittest.TestCase):
    def test_the_crate_holds_the_program_and_its_licence_and_no_test(self):
        listed = run("cargo", "package", "--list", "--allow-dirty", "--offline", cwd=PROJECT).splitlines()
        outside = [name for name in listed if not name.startswith("src/")]
        self.assertEqual(
            outside,
            [".cargo_vcs_info.json", "CHANGELOG.md", "Cargo.lock", "Cargo.toml", "Cargo.toml.orig", "LICENSE", "README.md",
             "benches/extraction.rs"],
        )
        included = set()
        for source in (PROJECT / "src").rglob("*.rs"):
            for name in re.findall(r'include_(?:str|bytes)!\("([^"]+)"\)', source.read_text()):
                included.add(str((source.parent / name).resolve().relative_to(PROJECT)))
        self.assertLessEqual(included, set(listed))

    def test_the_crate_builds_from_what_it_holds(self):
        # In a target folder of its own: in the project's, what is built of the crate would pass for what is built of the project.
        target = f"--target-dir={TARGET / 'crate'}"
        run("cargo", "package", "--allow-dirty", "--locked", "--no-verify", target, cwd=PROJECT)
        with tempfile.TemporaryDirectory() as folder:
            crate = TARGET / "crate" / "package" / f"oci-preflight-{VERSION}.crate"
            run("tar", "--extract", "--gzip", "--file", crate, "--directory", folder, cwd=PROJECT)
            run("cargo", "check", "--locked", target, cwd=pathlib.Path(folder) / f"oci-preflight-{VERSION}")

    def test_cargo_install_finds_one_program(self):
        metadata = json.loads(run("cargo", "metadata", "--locked", "--no-deps", "--format-version=1", cwd=PROJECT))
        [package] = metadata["packages"]
        programs = [target["name"] for target in package["targets"] if target["kind"] == ["bin"]]
        self.assertEqual(programs, ["oci-preflight"])
        for field in ["description", "license", "repository", "readme", "rust_version", "keywords", "categories"]:
            self.assertTrue(package[field], field)


class Workflow(unittest.TestCase):
    TEXT = (PROJECT / ".github/workflows/release.yml").read_text()

    def test_every_action_is_pinned_by_its_digest_and_says_its_version(self):
        used = re.findall(r"uses: (.+)", self.TEXT)
        self.assertGreater(len(used), 5)
        for action in used:
            self.assertRegex(action, r"^actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")

    def test_no_expression_reaches_a_shell(self):
        for script in re.findall(r"run: (.+)|run: \|\n((?: {10}.*\n|\n)+)", self.TEXT):
            self.assertNotIn("${{", "".join(script))

    def test_it_makes_what_the_archive_and_the_image_are_called(self):
        targets = set(re.findall(r"target: ([a-z0-9_-]+)", self.TEXT))
        self.assertEqual(
            targets,
            {"x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl", "x86_64-apple-darwin", "aarch64-apple-darwin",
             "x86_64-pc-windows-msvc"},
        )
        self.assertIn("IMAGE: ghcr.io/oci-preflight/oci-preflight\n", self.TEXT)


if __name__ == "__main__":
    main("__main__")
