"""Listing and reading a bucket through detloop's store against MinIO's SDK alone, side by side, and memory.

    python -m benchmarks.bench_store --minio BINARY [--objects 100000] [--images 2000] [--rounds 5]

Starts a MinIO server of its own on this machine, in a folder of its own. The rival lists with `list_objects` and keeps
the names; and reads with as many threads as the store has, each of which calls `get_object` and reads the body, with
as many reads on their way. Every figure is the median of the rounds, in which the two alternate. Exits with 1 when a
ratio is below 0.8.
"""

import argparse
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from minio import Minio
from minio.commonconfig import SnowballObject
from PIL import Image
from urllib3 import PoolManager

from detloop.ahead import map_ahead
from detloop.images import open_source
from detloop.store import open_store
from tests.servers import BUCKET, KEY, SECRET, minio_client, start_minio

REQUIRED_RATIO = 0.8
IMAGE_SIZE_WH = (640, 480)
SNOWBALL_OBJECTS = 5000
MEMORY_SCRIPT = """
import sys
from benchmarks.peak_memory import peak_memory_bytes
from detloop.images import open_source
source = open_source(sys.argv[1])
if sys.argv[2] == "list":
    count = sum(1 for _ in source.names())
else:
    count = sum(1 for _, read_bytes in source.read_ahead(source.names(), lambda name: name) if read_bytes())
print(count, peak_memory_bytes() / 2**20)
"""


def fill(client: Minio, prefix: str, names: list[str], contents: Callable[[int], bytes]) -> None:
    """Makes objects by archives that the server unpacks."""
    for start in range(0, len(names), SNOWBALL_OBJECTS):
        chunk = [(name, contents(start + index)) for index, name in enumerate(names[start : start + SNOWBALL_OBJECTS])]
        objects = [SnowballObject(f"{prefix}/{name}", data=io.BytesIO(data), length=len(data)) for name, data in chunk]
        client.upload_snowball_objects(BUCKET, objects)


def jpegs(count: int) -> list[bytes]:
    """JPEGs of about 100 kB of blurred noise."""
    rng = np.random.default_rng(0)
    encoded = []
    for _ in range(count):
        coarse = rng.integers(0, 256, (IMAGE_SIZE_WH[1] // 4, IMAGE_SIZE_WH[0] // 4, 3), dtype=np.uint8)
        file = io.BytesIO()
        Image.fromarray(coarse).resize(IMAGE_SIZE_WH).save(file, "JPEG", quality=90)
        encoded.append(file.getvalue())
    return encoded


def list_by_sdk(client: Minio, prefix: str) -> int:
    return sum(1 for found in client.list_objects(BUCKET, prefix=f"{prefix}/", recursive=True) if found.object_name)


def list_by_detloop(uri: str) -> int:
    return sum(1 for _ in open_source(uri).names())


def read_by_sdk(client: Minio, prefix: str, names: list[str], threads: int) -> int:
    def read(name: str) -> int:
        response = client.get_object(BUCKET, f"{prefix}/{name}")
        try:
            return len(response.read())
        finally:
            response.release_conn()

    return sum(map_ahead(read, names, threads, 2 * threads))


def read_by_detloop(uri: str, names: list[str]) -> int:
    source = open_source(uri)
    return sum(len(read_bytes()) for _, read_bytes in source.read_ahead(names, lambda name: name))


def side_by_side(label: str, count: int, rounds: int, sdk: Callable[[], int], detloop: Callable[[], int]) -> float:
    """Prints both rates; the ratio of detloop's to the SDK's."""
    taken: dict[str, list[float]] = {"the SDK alone": [], "detloop": []}
    results = set()
    for _ in range(rounds):
        for name, work in (("the SDK alone", sdk), ("detloop", detloop)):
            began = time.perf_counter()
            results.add(work())
            taken[name].append(time.perf_counter() - began)
    if len(results) != 1:
        raise SystemExit(f"{label}: the two found different amounts: {results}")
    rates = {name: count / statistics.median(seconds) for name, seconds in taken.items()}
    for name, rate in rates.items():
        print(f"{label}, {name + ':':<16}{rate:>9.0f} a second")
    ratio = rates["detloop"] / rates["the SDK alone"]
    print(f"{label}, detloop to the SDK alone: {ratio:.2f} (required: {REQUIRED_RATIO:g})", flush=True)
    return ratio


def print_memory(label: str, uris: list[str], what: str) -> None:
    """Peak memory of a process of its own for each."""
    told = []
    for uri in uris:
        command = [sys.executable, "-c", MEMORY_SCRIPT, uri, what]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        counted, mib = done.stdout.split()
        told.append(f"{float(mib):.0f} MiB at {counted}")
    print(f"{label}, peak memory: {', '.join(told)}", flush=True)


def numbered(count: int) -> list[str]:
    return [f"camera {number // 1000:03d}/{number:07d}.jpg" for number in range(count)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minio", type=Path, default=Path(".tools") / "minio", help="the server's binary")
    parser.add_argument("--objects", type=int, default=100_000)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if not options.minio.is_file():
        raise SystemExit(f"{options.minio}: no such file; build MinIO with `make minio`, or give its binary by --minio")
    with tempfile.TemporaryDirectory(prefix="bench-store-") as folder:
        server = start_minio(options.minio, Path(folder))
        try:
            sys.exit(not measure(minio_client(server), server.endpoint, options))
        finally:
            server.kill()


def measure(client: Minio, endpoint: str, options: argparse.Namespace) -> bool:
    """Whether both ratios are what is required."""
    os.environ |= {"MINIO_ENDPOINT": endpoint, "MINIO_ACCESS_KEY": KEY, "MINIO_SECRET_KEY": SECRET}
    threads = open_store(f"minio://{BUCKET}").reading_threads
    objects = {"many": options.objects, "few": options.objects // 4}
    for prefix, count in objects.items():
        fill(client, prefix, numbered(count), lambda _: b"x")
    print(f"{options.objects} objects to list, {options.rounds} rounds", flush=True)
    listing = side_by_side(
        "list",
        options.objects,
        options.rounds,
        lambda: list_by_sdk(client, "many"),
        lambda: list_by_detloop(f"minio://{BUCKET}/many"),
    )
    print_memory("list", [f"minio://{BUCKET}/{prefix}" for prefix in objects], "list")

    names, different = numbered(options.images), jpegs(50)
    fill(client, "images", names, lambda index: different[index % len(different)])
    fill(client, "fewer", names[: options.images // 4], lambda index: different[index % len(different)])
    mean_kb = statistics.mean(map(len, different)) / 1000
    print(f"{options.images} JPEG images of {mean_kb:.0f} kB to read by {threads} threads", flush=True)
    rival = Minio(
        endpoint.removeprefix("http://"),
        KEY,
        SECRET,
        secure=False,
        region="us-east-1",
        http_client=PoolManager(maxsize=threads),
    )
    reading = side_by_side(
        "read",
        options.images,
        options.rounds,
        lambda: read_by_sdk(rival, "images", names, threads),
        lambda: read_by_detloop(f"minio://{BUCKET}/images", names),
    )
    print_memory("read", [f"minio://{BUCKET}/{prefix}" for prefix in ("images", "fewer")], "read")
    return min(listing, reading) >= REQUIRED_RATIO


if __name__ == "__main__":
    main()
