#!/usr/bin/env python3
"""Simulates a CI matrix: the time of a run that is shared among 1, 2, 4 and 8 machines.

    benches/partition/run.py [--images 10000] [--machines 1 2 4 8] [--round-trip 30] [--rate 500] [--program PATH]

It writes images to a temporary folder, serves them with nginx on loopback behind a proxy that adds a round-trip time (in
milliseconds), and prints a Markdown table. Each machine is one process with `--partition K/N`.

- No limit: the machines run one after the other, so that each has this machine for itself, and the slowest counts.
- A limit: the registry answers 429 beyond RATE requests a second of all machines together. The machines run at once, as
  those of a matrix do, and the last to end counts.

The parts are joined by `merge`, which must find every image where there is no limit. Where there is one, the table says of how
many images nothing could be told, because every try was refused. Needed: nginx and rustc.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "registry"))

from run import PROJECT, Images, free_port, nginx, pods, wait_for  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--machines", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--round-trip", type=int, default=30)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--program", type=pathlib.Path)
    arguments = parser.parse_args()
    if arguments.program is None:
        subprocess.run(["cargo", "build", "--release"], cwd=PROJECT, check=True)
        target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target"))
        arguments.program = target / "release" / "oci-preflight"
    processes = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        # nginx's workers may be another user's.
        folder.chmod(0o755)
        try:
            simulate(arguments, folder, processes)
        finally:
            for process in processes:
                process.terminate()
                process.wait()


def simulate(arguments, folder, processes):
    subprocess.run(
        ["rustc", "-O", "--edition=2024", HERE.parent / "registry" / "distance.rs", "-o", folder / "distance"], check=True
    )
    images = Images(folder / "files", arguments.images)
    free = serve(arguments, folder / "free", images, None, processes)
    limited = serve(arguments, folder / "limited", images, arguments.rate, processes)
    print(f"{arguments.images} images, a round trip of {arguments.round_trip} ms\n")
    print(
        "| machines | images of the largest part | no limit | faster by "
        f"| {arguments.rate} requests/s for all | faster by | refused with 429 | undetermined images |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    base = None
    for machines in arguments.machines:
        alone = [run(arguments, folder, free, machines, [number])[0] for number in range(1, machines + 1)]
        largest, _, lost = check(arguments, folder, machines)
        if lost:
            sys.exit(f"{machines} machines did not find {lost} images")
        together, _ = run(arguments, folder, limited, machines, range(1, machines + 1))
        _, requests, lost = check(arguments, folder, machines)
        base = base or (max(alone), together)
        needed = len(images.gets)
        cells = [
            machines, largest,
            f"{max(alone):.1f} s", f"{base[0] / max(alone):.1f} ×",
            f"{together:.1f} s", f"{base[1] / together:.1f} ×",
            f"{100 * max(0, requests - needed) / requests:.0f} %", lost,
        ]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
    print(f"\n{needed} requests at {arguments.rate} a second take {needed / arguments.rate:.1f} s.")


def serve(arguments, folder, images, rate, processes):
    """Starts a registry at that distance. Gives the sources that name its images."""
    near, far = free_port(), free_port()
    processes.append(nginx(folder, images, near, rate))
    wait_for(near)
    words = [folder.parent / "distance", f"127.0.0.1:{far}", f"127.0.0.1:{near}", str(arguments.round_trip)]
    processes.append(subprocess.Popen(words))
    wait_for(far)
    source = folder / "pods.yaml"
    pods(source, far, images.tags)
    return source


def report(folder, number):
    return folder / f"part{number}.json"


def run(arguments, folder, source, machines, numbers):
    """Runs these parts at once. Gives the seconds until the last has ended."""
    lint = [
        arguments.program, "lint", source, "--platform=linux/amd64", "--platform=linux/arm64", "--no-cache", "--progress=never",
    ]
    begun = time.perf_counter()
    parts = [
        subprocess.Popen(
            [*map(str, lint), f"--partition={number}/{machines}", f"--output=json={report(folder, number)}"],
            stderr=subprocess.DEVNULL,
        )
        for number in numbers
    ]
    statuses = [part.wait() for part in parts]
    return time.perf_counter() - begun, statuses


def check(arguments, folder, machines):
    """Joins the parts. Gives the size of the largest, and the numbers of all requests and of images that were not found."""
    parts = [report(folder, number) for number in range(1, machines + 1)]
    largest = max(json.loads(part.read_text())["summary"]["images"] for part in parts)
    merged = subprocess.run(
        [arguments.program, "merge", *parts, "--output=json"], stdout=subprocess.PIPE, check=False
    ).stdout
    whole = json.loads(merged)
    found = sum(image["status"] == "found" for image in whole["images"])
    return largest, whole["summary"]["requests"], arguments.images - found


if __name__ == "__main__":
    main()
