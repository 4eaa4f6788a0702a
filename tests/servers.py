"""Real object stores for the tests: MinIO and an emulator of Google Cloud Storage, started where they are there."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from minio import Minio
from urllib3 import PoolManager
from urllib3.exceptions import HTTPError

TOOLS = Path(__file__).parent.parent / ".tools"
PATIENCE_SECONDS = 120
KEY, SECRET = "detloop-tests", "not-a-secret-but-a-test"
BUCKET = "tests"


def find_server(variable: str, name: str) -> Path | None:
    """The binary that the environment names, else the one on PATH, else the one that `make` has built."""
    given = os.environ.get(variable)
    found = Path(given) if given else Path(shutil.which(name) or TOOLS / name)
    return found if found.is_file() else None


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Server:
    """A process that answers on a port of this machine, and may be killed and started again on what it has written."""

    def __init__(self, command: list[str], port: int, health_path: str, environment: dict[str, str]) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self._command, self._health_path = command, health_path
        self._environment = os.environ | environment
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Starts it, and returns when it is ready; one that does not get ready is ended."""
        self._process = subprocess.Popen(
            self._command, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self.kill()
            raise

    def _wait_until_ready(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._is_ready():
            assert process.poll() is None, f"{self._command[0]} ended by itself"
            assert time.monotonic() < deadline, f"{self._command[0]} does not answer"
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        try:
            answer = PoolManager(retries=False).request("GET", self.endpoint + self._health_path, timeout=2)
        except HTTPError:
            return False
        return bool(answer.status == 200)

    def kill(self) -> None:
        """Ends it as a lost machine would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()


def start_minio(binary: Path, folder: Path) -> Server:
    """MinIO on an empty folder, with the bucket `BUCKET`."""
    server = _minio(binary, [str(folder)], "/minio/health/cluster")
    minio_client(server).make_bucket(BUCKET)
    return server


def start_minio_that_waits(binary: Path, folder: Path) -> Server:
    """MinIO that answers as one that is starting, for ever: three of its four drives have lost what was on them."""
    drives = [str(folder / str(number)) for number in range(4)]
    _minio(binary, drives, "/minio/health/cluster").kill()
    for drive in drives[1:]:
        shutil.rmtree(drive)
    return _minio(binary, drives, "/minio/health/live")


def _minio(binary: Path, folders: list[str], health_path: str) -> Server:
    port = free_port()
    environment = {"MINIO_ROOT_USER": KEY, "MINIO_ROOT_PASSWORD": SECRET, "MINIO_BROWSER": "off", "MINIO_UPDATE": "off"}
    drives_may_share_a_disk = {"MINIO_CI_CD": "1"}
    command = [str(binary), "server", "--quiet", "--address", f"127.0.0.1:{port}", *folders]
    return Server(command, port, health_path, environment | drives_may_share_a_disk)


def minio_client(server: Server) -> Minio:
    """The SDK's client, by which tests lay out what detloop is to find."""
    return Minio(server.endpoint.removeprefix("http://"), KEY, SECRET, secure=False)


def start_gcs_emulator(binary: Path, folder: Path, backend: str = "filesystem") -> Server:
    """fake-gcs-server, with the bucket `BUCKET`, whose objects are files and so outlive it, or lie in its "memory"."""
    (folder / BUCKET).mkdir(parents=True)
    port = free_port()
    options = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", backend]
    place = ["-filesystem-root" if backend == "filesystem" else "-data", str(folder)]
    where = [*place, "-public-host", f"127.0.0.1:{port}"]
    return Server([str(binary), *options, *where], port, "/_internal/healthcheck", {})
