#!/usr/bin/env python3
"""Measures how fast images are looked up, side by side with a bare client and skopeo.

    benches/registry/run.py [--images 1000] [--rounds 5] [--skopeo-rounds 5] [--program PATH]

It writes images to a temporary folder and prints a Markdown table of medians. They are served by docker-registry, which is
what most of us run, and by nginx, which is ten times as fast, so that the client is what is measured: once directly and once
behind a proxy that adds a round-trip time of 30 ms. All learn the same, platforms and compressed sizes of each image; skopeo
reads one document a process, sixteen at a time. Needed: docker-registry, nginx, rustc, and skopeo for its column.
"""

import argparse
import datetime
import hashlib
import json
import os
import pathlib
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


class Images:
    """Three of four images are single, one is an index for two platforms. No two have content in common."""

    def __init__(self, root, count):
        self.root = root
        self.tags, self.gets, self.digests, self.questions = [], [], {}, []
        self.storage = root.parent / "storage" / "docker" / "registry" / "v2"
        for number in range(count):
            self.add(number)

    def add(self, number):
        if number % 4:
            repository, media_type = f"single{number % 40}", MANIFEST
            body, asked = self.image(repository, number, "amd64")
            self.ask(f"{repository}:v{number}", "raw", "config")
        else:
            repository, media_type = f"index{number % 40}", INDEX
            children, asked = [], []
            self.ask(f"{repository}:v{number}", "raw")
            for architecture in ("amd64", "arm64"):
                child, more = self.image(repository, number, architecture)
                digest = self.write(f"{repository}/manifests", child)
                runs_on = {"os": "linux", "architecture": architecture}
                children.append({**descriptor(MANIFEST, child), "platform": runs_on})
                asked += [f"/v2/{repository}/manifests/{digest}", *more]
                self.ask(f"{repository}@{digest}", "raw", "config")
            body = encode({"schemaVersion": 2, "mediaType": INDEX, "manifests": children})
        path = f"/v2/{repository}/manifests/v{number}"
        self.file(path, body)
        self.store(repository, "manifests", body)
        self.link(repository, f"_manifests/tags/v{number}/current", sha256(body))
        self.digests[path] = sha256(body)
        self.tags.append((repository, f"v{number}"))
        self.gets += [path, *asked]

    def ask(self, name, *documents):
        """What skopeo is asked to learn the same: each manifest, and the config of each image."""
        self.questions += [(document, name) for document in documents]

    def image(self, repository, number, architecture):
        config = encode({
            "architecture": architecture, "os": "linux",
            "config": {"User": "1000", "Cmd": ["/app"], "Labels": {"number": str(number)}},
            "rootfs": {"type": "layers", "diff_ids": [sha256(f"{number}{n}".encode()) for n in range(8)]},
            "history": [{"created": "2024-01-01T00:00:00Z", "created_by": f"RUN step {n}"} for n in range(8)],
        })
        digest = self.write(f"{repository}/blobs", config)
        layers = [
            {"mediaType": LAYER, "digest": sha256(f"{number}{architecture}{n}".encode()), "size": 1_000_000 + n}
            for n in range(8)
        ]
        body = encode({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(CONFIG, config), "layers": layers,
        })
        return body, [f"/v2/{repository}/blobs/{digest}"]

    def write(self, folder, body):
        self.file(f"/v2/{folder}/{sha256(body)}", body)
        self.store(*folder.split("/"), body)
        return sha256(body)

    def store(self, repository, kind, body):
        """The same in the folders of docker-registry (distribution, registry/storage/paths.go)."""
        digest = sha256(body)
        _, digits = digest.split(":")
        data = self.storage / "blobs" / "sha256" / digits[:2] / digits / "data"
        data.parent.mkdir(parents=True, exist_ok=True)
        data.write_bytes(body)
        folder = "_manifests/revisions" if kind == "manifests" else "_layers"
        self.link(repository, f"{folder}/sha256/{digits}", digest)

    def link(self, repository, folder, digest):
        link = self.storage / "repositories" / repository / folder / "link"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.write_text(digest)

    def file(self, path, body):
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)


def encode(document):
    return json.dumps(document).encode()


def sha256(body):
    return "sha256:" + hashlib.sha256(body).hexdigest()


def descriptor(media_type, body):
    return {"mediaType": media_type, "digest": sha256(body), "size": len(body)}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"nothing answers on port {port}")


def nginx(folder, images, port, rate=None):
    """A registry on `port`. It refuses what is asked faster than `rate` times a second, after a second's worth at once."""
    zone = rate and f"limit_req_zone $server_port zone=all:1m rate={rate}r/s; limit_req_status 429;"
    limit = rate and f"limit_req zone=all burst={rate} nodelay;"
    folder.mkdir(exist_ok=True)
    digests = "".join(f'"{path}" "{digest}";\n' for path, digest in images.digests.items())
    (folder / "digests").write_text(digests)
    settings = folder / "nginx.conf"
    settings.write_text(f"""
        daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
        events {{ worker_connections 4096; }}
        http {{
            access_log off; tcp_nodelay on; keepalive_requests 1000000; open_file_cache max=10000;
            client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
            uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
            map_hash_max_size 65536; map_hash_bucket_size 256;
            {zone or ""}
            map $uri $digest {{ include {folder}/digests; }}
            server {{
                listen 127.0.0.1:{port}; root {images.root}; default_type {MANIFEST};
                add_header Docker-Content-Digest $digest; {limit or ""}
                location = /v2/ {{ return 200 "{{}}"; }}
                location ~ ^/v2/index[0-9]+/manifests/v {{ default_type {INDEX}; }}
                location ~ /blobs/ {{ default_type application/octet-stream; }}
            }}
        }}""")
    return subprocess.Popen([shutil.which("nginx") or "/usr/sbin/nginx", "-c", settings, "-e", folder / "error.log"])


def docker_registry(folder, port):
    settings = folder / "registry.yml"
    settings.write_text(
        "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/storage}}, cache: {{blobdescriptor: inmemory}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )
    return subprocess.Popen(["docker-registry", "serve", settings], stderr=subprocess.DEVNULL)


def timed(command, **more):
    """Seconds, and the peak memory in megabytes."""
    begun = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, **more)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        sys.exit(f"{command[0]} ended with {process.returncode}")
    return time.perf_counter() - begun, usage.ru_maxrss / 1024


def pods(path, port, tags):
    documents = [
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p{number}}}\n"
        f"spec: {{containers: [{{name: c, image: '127.0.0.1:{port}/{repository}:{tag}'}}]}}\n"
        for number, (repository, tag) in enumerate(tags)
    ]
    path.write_text("---\n".join(documents))


def checked(command, count):
    """One run whose report must say that every image was found. It gives the statistics."""
    output = subprocess.run([str(part) for part in command], capture_output=True, check=False).stdout
    report = json.loads(output)
    found = sum(image["status"] == "found" for image in report["images"])
    if found != count:
        sys.exit(f"{found} of {count} images were found")
    return report["summary"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--skopeo-rounds", type=int, default=5)
    parser.add_argument("--program", type=pathlib.Path)
    arguments = parser.parse_args()
    program = arguments.program
    if program is None:
        subprocess.run(["cargo", "build", "--release"], cwd=PROJECT, check=True)
        target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target"))
        program = target / "release" / "oci-preflight"

    processes = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        # nginx's workers may be another user's.
        folder.chmod(0o755)
        try:
            measure(arguments, program, folder, processes)
        finally:
            for process in processes:
                process.terminate()
                process.wait()


def measure(arguments, program, folder, processes):
    for tool in ("limit", "distance"):
        subprocess.run(["rustc", "-O", "--edition=2024", HERE / f"{tool}.rs", "-o", folder / tool], check=True)
    images = Images(folder / "files", arguments.images)
    gets, heads = folder / "gets", folder / "heads"
    gets.write_text("".join(f"GET {path}\n" for path in images.gets))
    heads.write_text("".join(f"HEAD {path}\n" for path in images.digests))
    near, far, real = free_port(), free_port(), free_port()
    processes.append(nginx(folder, images, near))
    wait_for(near)
    processes.append(subprocess.Popen([folder / "distance", f"127.0.0.1:{far}", f"127.0.0.1:{near}", "30"]))
    wait_for(far)
    processes.append(docker_registry(folder, real))
    wait_for(real)

    print(f"{arguments.images} images, {len(images.gets)} requests, medians of {arguments.rounds}")
    print(f"{datetime.date.today()}, {os.cpu_count()} processors, {platform.machine()}, {platform.release()}\n")
    print("| work | bare client | skopeo | 32 connections | default | peak memory |")
    print("| --- | --- | --- | --- | --- | --- |")
    for served, port in (("docker-registry, 0 ms", real), ("nginx, 0 ms", near), ("nginx, 30 ms", far)):
        source = folder / f"pods-{port}.yaml"
        pods(source, port, images.tags)
        questions = "".join(f"--{document} docker://127.0.0.1:{port}/{name}\n" for document, name in images.questions)
        (folder / "questions").write_text(questions)
        lint = [program, "lint", source, "--platform=linux/amd64", "--platform=linux/arm64", "--output=json"]
        # The single images lack a platform, and older tags that have it would be looked for.
        lint += ["--rule=missing-platform=off", "--rule=wrong-platform=off"]
        cold, cache = [*lint, "--no-cache"], f"--cache-dir={folder}/cache-{port}"
        requests = checked(cold, arguments.images)["requests"]
        if requests > len(images.gets):
            print(f"more requests than needed: {requests}", file=sys.stderr)
        checked([*lint, cache], arguments.images)
        warm = checked([*lint, cache], arguments.images)
        if warm["requests"] > arguments.images or warm["bytes_downloaded"]:
            print(f"a warm cache asks for too much: {warm}", file=sys.stderr)

        few = ["--concurrency=32", "--per-host=32"]
        host = f"127.0.0.1:{port}"
        limit = [folder / "limit", host]
        row(f"all, {served}", arguments, [*limit, gets, "32"], cold, few, skopeo(arguments, folder))
        row(f"warm cache, {served}", arguments, [*limit, heads, "32"], [*lint, cache], few, None)


def skopeo(arguments, folder):
    if shutil.which("skopeo") is None or arguments.skopeo_rounds == 0:
        return None
    inspect = f"xargs -P16 -L1 skopeo inspect --tls-verify=false < {folder}/questions"
    return statistics.median(timed(["sh", "-c", inspect])[0] for _ in range(arguments.skopeo_rounds))


def row(name, arguments, limit, command, few, peer):
    """Rounds are interleaved, so that what else the machine does hits all alike."""
    bare, narrow, usual = [], [], []
    for _ in range(arguments.rounds):
        bare.append(timed(limit)[0])
        narrow.append(timed([*command, *few])[0])
        usual.append(timed(command))
    base = statistics.median(bare)
    shown = lambda seconds: f"{seconds:.2f} s ({seconds / base:.2f} ×)"
    cells = [
        name,
        shown(base),
        "–" if peer is None else shown(peer),
        shown(statistics.median(narrow)),
        shown(statistics.median(seconds for seconds, _ in usual)),
        f"{max(memory for _, memory in usual):.0f} MB",
    ]
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
