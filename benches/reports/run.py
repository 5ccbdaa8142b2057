#!/usr/bin/env python3
"""Measures how long a run with many findings takes and how much memory it needs, for each format.

    cargo build --release
    benches/reports/run.py [--findings 10000] [--rounds 3] [--program target/release/oci-preflight]

It writes Pods of as many images to a temporary folder, each with a finding of its own, lets an image layout answer for them,
and prints a Markdown table with the best time and the largest memory of the rounds. No network is used.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

PROJECT = pathlib.Path(__file__).resolve().parent.parent.parent
FORMATS = ["pretty", "json", "sarif", "github", "gitlab", "junit", "markdown", "html"]
PODS_IN_A_FILE = 100


def image_without_arm(layout):
    """The digest of an index that lacks a platform of the node pools."""
    for entry in json.loads((layout / "index.json").read_text())["manifests"]:
        if entry["annotations"]["org.opencontainers.image.ref.name"].endswith("/shop/api:2.0.0"):
            return entry["digest"]
    sys.exit("the fixtures have no shop/api:2.0.0")


def write_pods(folder, count, digest):
    for first in range(0, count, PODS_IN_A_FILE):
        pods = [
            "---\napiVersion: v1\nkind: Pod\nmetadata:\n"
            f"  name: app{number}\nspec:\n  tolerations: [{{operator: Exists}}]\n  containers:\n    - name: app\n"
            f"      image: registry.example.com/team/app{number}@{digest}\n"
            for number in range(first, min(first + PODS_IN_A_FILE, count))
        ]
        (folder / f"pods{first:07}.yaml").write_text("".join(pods))


def measure(program, sources, report):
    """Seconds, and the largest resident memory in bytes."""
    command = [
        program, "lint", "--no-cache", "--config", "/dev/null", f"--output={report}",
        "--layout", f"registry.example.com={PROJECT / 'fixtures/layout'}",
        "--nodes", PROJECT / "fixtures/node-pools.json", sources,
    ]
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    if os.waitstatus_to_exitcode(status) != 1:
        sys.exit(f"not what was expected: {command}")
    return seconds, usage.ru_maxrss * 1024


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--findings", type=int, default=10_000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--program", default=PROJECT / "target/release/oci-preflight")
    options = arguments.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        sources = folder / "sources"
        sources.mkdir()
        write_pods(sources, options.findings, image_without_arm(PROJECT / "fixtures/layout"))
        print(f"{options.findings} findings\n\n| format | seconds | memory | report |\n| --- | --- | --- | --- |")
        for name in FORMATS:
            report = folder / name
            rounds = [measure(options.program, sources, f"{name}={report}") for _ in range(options.rounds)]
            seconds = min(seconds for seconds, _ in rounds)
            memory = max(memory for _, memory in rounds)
            size = report.stat().st_size
            print(f"| {name} | {seconds:.2f} | {memory / 1e6:.0f} MB | {size / 1e6:.1f} MB |", flush=True)


if __name__ == "__main__":
    main()
