"""`make audit` asks a service of OSV's interface about every locked package that an image holds."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FLAWED = "pillow"
ADVISORY = {
    "id": "GHSA-aaaa-bbbb-cccc",
    "modified": "2026-01-01T00:00:00Z",
    "summary": "a picture that runs",
    "affected": [{"package": {"name": FLAWED, "ecosystem": "PyPI"}, "versions": []}],
}


class Service(ThreadingHTTPServer):
    """Answers as https://google.github.io/osv.dev/api/ describes; `flawed` is the package that it knows a flaw of."""

    flawed = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.asked: set[str] = set()


class Answers(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        names = [query["package"]["name"] for query in queries]
        self.server.asked.update(names)
        flaw = {"vulns": [{"id": ADVISORY["id"], "modified": ADVISORY["modified"]}]}
        self._answer({"results": [flaw if name == self.server.flawed else {} for name in names]})

    def do_GET(self) -> None:
        self._answer(ADVISORY)

    def _answer(self, what: dict[str, Any]) -> None:
        body = json.dumps(what).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing of its requests."""


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def audit(address: str) -> subprocess.CompletedProcess[str]:
    if not (shutil.which("uv") or (ROOT / ".tools/uv").exists()):
        pytest.skip("no uv: `make env` fetches it")
    return subprocess.run(["make", "audit", f"OSV={address}"], cwd=ROOT, capture_output=True, text=True)


def address_of(service: Service) -> str:
    return f"http://127.0.0.1:{service.server_address[1]}"


def test_all_that_an_image_holds_is_asked_about(service: Service) -> None:
    done = audit(address_of(service))
    assert done.returncode == 0, done.stderr
    locked = set(re.findall(r'^name = "(.*)"$', (ROOT / "uv.lock").read_text(), re.MULTILINE))
    assert {"tensorflow-cpu", "kfp", "pillow", "urllib3"} <= service.asked <= locked


def test_a_known_flaw_fails_it(service: Service) -> None:
    service.flawed = FLAWED
    done = audit(address_of(service))
    assert done.returncode != 0
    assert ADVISORY["id"] in done.stdout + done.stderr
    assert "not done" not in done.stderr


def test_a_service_that_does_not_answer_is_no_all_clear() -> None:
    done = audit("http://127.0.0.1:1")
    assert done.returncode != 0
    assert "audit: not done: http://127.0.0.1:1 does not answer" in done.stderr
