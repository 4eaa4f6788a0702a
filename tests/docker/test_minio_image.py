"""The image of MinIO: it serves detloop as any user, where nothing can be written but /tmp and its volume."""

import json
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from detloop.store import open_store
from tests.servers import BUCKET, KEY, SECRET, Server, free_port, minio_client

pytestmark = pytest.mark.heavy
ROOT = Path(__file__).parent.parent.parent
NOBODYS_USER = 12345


@pytest.fixture(scope="module")
def version() -> str:
    command = [sys.executable, str(ROOT / "tools" / "get_servers.py"), "--version", "minio"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def image(version: str) -> dict[str, Any]:
    """What the engine knows of the image that `make image-minio` has built of the pinned version."""
    day = version.split("-")[1][:8]
    found = subprocess.run([*engine(), "image", "inspect", f"detloop-minio:{day}"], capture_output=True, text=True)
    if found.returncode != 0:
        pytest.skip("no image of MinIO: build it with `make image-minio`")
    image: dict[str, Any] = json.loads(found.stdout)[0]
    return image


def engine() -> list[str]:
    """Docker, or podman where Docker's service is not there."""
    if shutil.which("docker") and subprocess.run(["docker", "version"], capture_output=True).returncode == 0:
        return ["docker"]
    if not shutil.which("podman"):
        pytest.skip("neither docker nor podman is there")
    return ["podman"]


@pytest.fixture
def served(image: dict[str, Any], tmp_path: Path) -> Iterator[Server]:
    """MinIO in a container of a user without a name, whose root is read-only."""
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o777)
    name, port = f"minio-{uuid.uuid4().hex}", free_port()
    closed = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--user", str(NOBODYS_USER)]  # noqa: S108
    places = ["--volume", f"{data}:/data", "--publish", f"127.0.0.1:{port}:9000"]
    keys = ["--env", f"MINIO_ROOT_USER={KEY}", "--env", f"MINIO_ROOT_PASSWORD={SECRET}"]
    command = [*engine(), "run", "--rm", "--name", name, *closed, *places, *keys, image["Id"]]
    server = Server(command, port, "/minio/health/cluster", {})
    yield server
    subprocess.run([*engine(), "rm", "--force", name], check=True, capture_output=True)
    server.kill()


@pytest.mark.usefixtures("store_environment")
def test_it_serves_as_any_user_on_a_read_only_root(served: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    minio_client(served).make_bucket(BUCKET)
    monkeypatch.setenv("MINIO_ENDPOINT", served.endpoint)
    monkeypatch.setenv("MINIO_ACCESS_KEY", KEY)
    monkeypatch.setenv("MINIO_SECRET_KEY", SECRET)
    store = open_store(f"minio://{BUCKET}/images")
    store.write_bytes("a.jpg", b"a")
    assert [(entry.name, entry.size_bytes) for entry in store.list()] == [("a.jpg", 1)]
    assert store.read_bytes("a.jpg") == b"a"


def test_there_is_no_compiler_and_no_interpreter(image: dict[str, Any]) -> None:
    look = "for name in minio go cc gcc ld as make python3 pip; do command -v $name; done; true"
    said = subprocess.run([*engine(), "run", "--rm", image["Id"], "sh", "-c", look], capture_output=True, text=True)
    found = [Path(path).name for path in said.stdout.split()]
    assert "minio" in found
    assert not {"go", "cc", "gcc", "ld", "as", "make", "python3", "pip"} & set(found)


def test_what_the_image_says_of_itself(image: dict[str, Any], version: str) -> None:
    labels = image["Config"]["Labels"]
    assert labels["org.opencontainers.image.version"] == version
    assert re.fullmatch(r"[0-9a-f]{12}", labels["org.opencontainers.image.revision"])
    assert version.endswith(labels["org.opencontainers.image.revision"])
    assert labels["org.opencontainers.image.licenses"] == "AGPL-3.0-or-later"
    assert image["Config"]["User"] == "1000:1000"
    assert not [tag for tag in image["RepoTags"] if tag.endswith(":latest")]
