#!/usr/bin/env python3
"""Tests the examples in docs/ci with the schemas, parsers and linters of the systems that they are for, and runs their scripts.

    tests/ci_examples.py PROGRAM

`tests/run` calls this with what it needs: check-jsonschema and groovy-parser (PyPI), @ibm/tekton-lint and kubernetes-models (npm,
found through NODE_PATH).
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree

from groovy_parser.parser import parse_groovy_content
from lark.exceptions import LarkError
from release import HOST, PROJECT, VERSION, Folder, made, main, run
from ruamel.yaml import YAML

EXAMPLES = PROJECT / "docs/ci"
# The task of the Tekton catalogue that the pipeline uses, as far as its parameters go.
GIT_CLONE = """
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: git-clone}
spec:
  params: [{name: url, type: string}, {name: revision, type: string}]
  workspaces: [{name: output}]
  steps:
    - name: clone
      image: git.example.com/git:1
      args: [$(params.url), $(params.revision), $(workspaces.output.path)]
"""
# Instead of a download: the files of a release that stand in a folder.
DOWNLOAD = """#!/bin/sh
for word; do case "$word" in https://github.com/oci-preflight/oci-preflight/releases/download/v%s/*)
  cp "$RELEASE/${word##*/}" . || exit 22 ;;
esac; done
"""


class Schemas(Folder):
    def test_gitlab_takes_its_files(self):
        for name in ["gitlab-ci.yml", "gitlab-ci-matrix.yml"]:
            run("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", EXAMPLES / name)

    def test_gitlab_refuses_a_file_that_is_wrong(self):
        wrong = self.folder / "wrong.yml"
        wrong.write_text((EXAMPLES / "gitlab-ci.yml").read_text().replace("when: always", "when: allways"))
        run("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", wrong, status=1)

    def test_tekton_lint_has_nothing_to_say(self):
        shutil.copy(EXAMPLES / "tekton.yaml", self.folder)
        (self.folder / "git-clone.yaml").write_text(GIT_CLONE)
        files = sorted(self.folder.glob("*.yaml"))
        self.assertNotRegex(run("tekton-lint", "--max-warnings", "0", *files), "error|warning")
        text = (EXAMPLES / "tekton.yaml").read_text()
        (self.folder / "tekton.yaml").write_text(text.replace("$(params.paths[*])", "$(params.path[*])"))
        run("tekton-lint", *files, status=1)

    def test_the_hook_is_a_job(self):
        job = YAML(typ="safe").load((EXAMPLES / "argocd-presync.yaml").read_text())
        validate = 'const {Job} = require("kubernetes-models/batch/v1"); new Job(JSON.parse(process.argv[1])).validate()'
        run("node", "--eval", validate, json.dumps(job))
        job["spec"]["template"]["spec"]["containers"][0]["args"] = "lint"
        run("node", "--eval", validate, json.dumps(job), status=1)
        hook = job["metadata"]["annotations"]["argocd.argoproj.io/hook"]
        self.assertEqual(hook, "PreSync")

    def test_the_jenkinsfile_is_groovy(self):
        text = (EXAMPLES / "Jenkinsfile").read_text()
        parse_groovy_content(text)
        with self.assertRaises(LarkError):
            parse_groovy_content(text.replace("steps {", "steps ", 1))


class Runs(Folder):
    """The scripts of the examples, with the archive of this program as the release."""

    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.release = pathlib.Path(temporary.name)
        made(HOST, cls.release)

    def setUp(self):
        super().setUp()
        self.work = self.folder / "work"
        shutil.copytree(PROJECT / "fixtures", self.work, ignore=shutil.ignore_patterns("rules"))
        tools = self.folder / "tools"
        tools.mkdir()
        for name, text in {"wget": DOWNLOAD % VERSION, "curl": DOWNLOAD % VERSION, "uname": "#!/bin/sh\necho x86_64\n"}.items():
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)
        self.environment = {
            "PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(self.folder), "RELEASE": str(self.release),
            "OCI_PREFLIGHT_VERSION": VERSION, "CI_PROJECT_DIR": str(self.work),
        }

    def script(self, lines, **variables):
        """Runs a script as the shell of a job does. Gives its exit status and what it printed."""
        done = subprocess.run(
            ["sh", "-e", "-c", lines], cwd=self.work, env={**self.environment, **variables}, capture_output=True, text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def gitlab(self, file, job, **variables):
        jobs = YAML(typ="safe").load((EXAMPLES / file).read_text())
        base = jobs[".oci-preflight"]
        self.assertEqual(base["variables"]["OCI_PREFLIGHT_VERSION"], VERSION)
        return self.script("\n".join(base["before_script"] + jobs[job]["script"]), **variables)

    def holds_the_findings_of_the_shop(self):
        quality = json.loads((self.work / "gl-code-quality-report.json").read_text())
        self.assertIn("missing-platform", {finding["check_name"] for finding in quality})
        self.holds_tests()

    def holds_tests(self):
        suites = xml.etree.ElementTree.parse(self.work / "oci-preflight.xml").getroot()
        self.assertGreater(int(suites.get("failures")), 5)

    def test_gitlab_shows_the_findings(self):
        status, said = self.gitlab("gitlab-ci.yml", "images")
        self.assertEqual(status, 1, said)
        self.holds_the_findings_of_the_shop()

    def test_eight_jobs_of_gitlab_come_to_what_one_comes_to(self):
        for number in range(1, 9):
            status, said = self.gitlab("gitlab-ci-matrix.yml", "images", CI_NODE_INDEX=str(number), CI_NODE_TOTAL="8")
            self.assertEqual(status, 0, said)
        status, said = self.gitlab("gitlab-ci-matrix.yml", "all-images")
        self.assertEqual(status, 1, said)
        self.holds_the_findings_of_the_shop()

    def test_a_download_that_is_not_the_release_is_not_run(self):
        archive = next(self.release.glob("*.tar.gz"))
        spoiled = self.folder / "spoiled"
        spoiled.mkdir()
        shutil.copy(f"{archive}.sha256", spoiled)
        (spoiled / archive.name).write_bytes(archive.read_bytes() + b"\0")
        for status, said in [
            self.gitlab("gitlab-ci.yml", "images", RELEASE=str(spoiled)),
            self.script(self.jenkins()[0], RELEASE=str(spoiled)),
        ]:
            self.assertEqual(status, 1, said)
            self.assertIn("FAILED", said)
            self.assertFalse((self.work / "oci-preflight.xml").exists())

    def jenkins(self):
        text = (EXAMPLES / "Jenkinsfile").read_text()
        self.assertIn(f"OCI_PREFLIGHT_VERSION = '{VERSION}'", text)
        return re.findall(r"'''\n(.*?)'''", text, re.DOTALL)

    def test_jenkins_shows_the_findings(self):
        install, lint = self.jenkins()
        status, said = self.script(install)
        self.assertEqual(status, 0, said)
        credentials = self.folder / "config.json"
        credentials.write_text("{}")
        status, said = self.script(lint, REGISTRY_CREDENTIALS=str(credentials))
        self.assertEqual(status, 1, said)
        self.holds_tests()
        self.assertTrue((self.work / "oci-preflight.html").is_file())


if __name__ == "__main__":
    main("__main__")
