"""The server killed in the middle of a listing, of reads and of a write, and started again: the same result."""

import hashlib
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from minio.commonconfig import SnowballObject

from detloop.images import open_source
from detloop.store import open_store
from tests.servers import BUCKET, Server, minio_client

AWAY_SECONDS = 2.0
KEYS = 2500
LARGE_BYTES = 200 << 20
PATIENCE_SECONDS = 60
WRITER = """
import sys
from pathlib import Path
from detloop.store import open_store
open_store(sys.argv[1]).write_file("large.bin", Path(sys.argv[2]))
"""


@pytest.fixture
def interrupt() -> Iterator[Callable[[Server], None]]:
    """Kills a server at once, and starts it again on its own after a while."""
    restarts: list[threading.Timer] = []

    def kill_for_a_while(server: Server) -> None:
        server.kill()
        restarts.append(threading.Timer(AWAY_SECONDS, server.start))
        restarts[-1].start()

    yield kill_for_a_while
    for restart in restarts:
        restart.join()


def fill_bucket(server: Server, root: str, count: int) -> list[str]:
    """Makes many small images at once; their names."""
    prefix = root.removeprefix(f"minio://{BUCKET}/")
    names = [f"{number:06d}.jpg" for number in range(count)]
    objects = [SnowballObject(f"{prefix}/{name}", data=io.BytesIO(name.encode()), length=len(name)) for name in names]
    minio_client(server).upload_snowball_objects(BUCKET, objects)
    return names


def test_a_listing_goes_on_where_it_was(
    minio_bucket: str, minio_server: Server, interrupt: Callable[[Server], None]
) -> None:
    names = fill_bucket(minio_server, minio_bucket, KEYS)
    listing = open_store(minio_bucket).names()
    listed = [next(listing) for _ in range(1500)]
    interrupt(minio_server)
    assert listed + list(listing) == names


def test_reads_go_on(minio_bucket: str, minio_server: Server, interrupt: Callable[[Server], None]) -> None:
    names = fill_bucket(minio_server, minio_bucket, 200)
    source = open_source(minio_bucket)
    read = []
    for name, read_bytes in source.read_ahead(names, lambda name: name):
        if name == names[60]:
            interrupt(minio_server)
        read.append(read_bytes())
    assert read == [name.encode() for name in names]


def test_reads_from_google_go_on(gcs_bucket: str, gcs_server: Server, interrupt: Callable[[Server], None]) -> None:
    store = open_store(gcs_bucket)
    names = [f"{number:03d}.jpg" for number in range(100)]
    for name in names:
        store.write_bytes(name, name.encode())
    read = []
    for name, read_bytes in open_source(gcs_bucket).read_ahead(names, lambda name: name):
        if name == names[30]:
            interrupt(gcs_server)
        read.append(read_bytes())
    assert read == [name.encode() for name in names]


@pytest.fixture
def large_file(tmp_path: Path) -> Path:
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        for number in range(LARGE_BYTES >> 20):
            file.write(hashlib.sha256(bytes([number])).digest() * (1 << 15))
    return path


def wait_for_an_upload(server: Server, root: str) -> None:
    """Returns when the server has begun to take large.bin in parts, of which not all are there."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    client, key = minio_client(server), root.removeprefix(f"minio://{BUCKET}/") + "/large.bin"
    while not client._list_multipart_uploads(BUCKET, prefix=key).uploads:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def sha256_in_store(root: str, folder: Path) -> str:
    open_store(root).fetch("large.bin", folder / "fetched.bin")
    with (folder / "fetched.bin").open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_a_write_is_completed(
    minio_bucket: str, minio_server: Server, interrupt: Callable[[Server], None], large_file: Path, tmp_path: Path
) -> None:
    store = open_store(minio_bucket)
    failed: list[BaseException] = []

    def write() -> None:
        try:
            store.write_file("large.bin", large_file)
        except BaseException as error:
            failed.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    wait_for_an_upload(minio_server, minio_bucket)
    interrupt(minio_server)
    writer.join()
    assert failed == []
    with large_file.open("rb") as file:
        assert sha256_in_store(minio_bucket, tmp_path) == hashlib.file_digest(file, "sha256").hexdigest()


def test_a_killed_writer_leaves_what_was_there(minio_bucket: str, minio_server: Server, large_file: Path) -> None:
    store = open_store(minio_bucket)
    store.write_bytes("large.bin", b"old")
    writer = subprocess.Popen([sys.executable, "-c", WRITER, minio_bucket, str(large_file)])
    wait_for_an_upload(minio_server, minio_bucket)
    os.kill(writer.pid, signal.SIGKILL)
    assert writer.wait() == -signal.SIGKILL
    assert store.read_bytes("large.bin") == b"old"
    store.write_file("large.bin", large_file)
    assert [(entry.name, entry.size_bytes) for entry in store.list()] == [("large.bin", LARGE_BYTES)]
