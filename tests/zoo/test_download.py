"""Downloads over HTTP: resumed, checked, and honest about what does not arrive."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.zoo.archives import TF2_FILES, TF2_NAME, TF2_PATH, files_in, pack
from tests.zoo.conftest import error_of, zoo


@dataclass
class Server:
    """An HTTP server of one archive, which hangs up after `sends_bytes` and knows ranges or not."""

    content: bytes
    url: str = ""
    sends_bytes: int = 1 << 30
    knows_ranges: bool = True
    says_length: bool = True
    status: int = 200
    requests: list[str] = field(default_factory=list)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range", "")
        self.requests.append(f"{request.command} {request.path} {asked}".strip())
        if request.path != f"/zoo/{TF2_PATH}" or self.status != 200:
            return request.send_error(404 if self.status == 200 else self.status)
        start = int(asked.removeprefix("bytes=").rstrip("-") or 0) if self.knows_ranges else 0
        if start >= len(self.content):
            return request.send_error(416)
        request.send_response(206 if start else 200)
        if self.says_length:
            request.send_header("Content-Length", str(len(self.content) - start))
        request.end_headers()
        if request.command == "GET":
            request.wfile.write(self.content[start : start + self.sends_bytes])
        return None


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    archive = pack(tmp_path / "archive.tar.gz", {**TF2_FILES, "noise": bytes(range(256)) * 20}, TF2_NAME)
    server = Server(archive.read_bytes())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.answer(self)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http_server:
        threading.Thread(target=http_server.serve_forever, daemon=True).start()
        server.url = f"http://127.0.0.1:{http_server.server_port}/zoo"
        monkeypatch.setenv("DETLOOP_ZOO_MIRROR", f"{server.url}/")
        yield server
        http_server.shutdown()


def assert_is_there(cache: Path) -> None:
    assert files_in(cache / TF2_NAME).keys() == {*TF2_FILES, "noise", "zoo_model.json"}
    assert not list(cache.glob("*.partial"))


def test_a_model_comes_over_http(server, cache):
    result = zoo("get", TF2_NAME)
    assert result.exit_code == 0, result.stderr
    assert f"{TF2_NAME}: 0/0 MB" in result.stderr
    assert_is_there(cache)
    assert (cache / f"{TF2_NAME}.tar.gz").read_bytes() == server.content


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_an_interrupted_download_goes_on(server, cache, knows_ranges):
    server.sends_bytes, server.knows_ranges = 200, knows_ranges
    total = len(server.content)
    assert f"200 of {total} bytes arrived, running it again goes on from there" in error_of(zoo("get", TF2_NAME))
    assert (cache / f"{TF2_NAME}.tar.gz.partial").read_bytes() == server.content[:200]
    server.sends_bytes = 1 << 30
    assert zoo("get", TF2_NAME).exit_code == 0
    assert_is_there(cache)
    assert server.requests[-1] == f"GET /zoo/{TF2_PATH} bytes=200-"


def test_a_download_that_was_finished_but_not_renamed_is_no_obstacle(server, cache):
    cache.mkdir(parents=True)
    (cache / f"{TF2_NAME}.tar.gz.partial").write_bytes(server.content)
    assert zoo("get", TF2_NAME).exit_code == 0
    assert_is_there(cache)


def test_a_partial_of_something_else_is_found_and_thrown_away(server, cache):
    cache.mkdir(parents=True)
    (cache / f"{TF2_NAME}.tar.gz.partial").write_bytes(bytes(100))
    assert "not a whole .tar.gz" in error_of(zoo("get", TF2_NAME))
    assert list(cache.iterdir()) == []
    assert zoo("get", TF2_NAME).exit_code == 0


def test_a_page_in_place_of_the_archive_is_refused(server, cache):
    server.content = b"<!DOCTYPE html><title>Log in</title>"
    assert "not a whole .tar.gz" in error_of(zoo("get", TF2_NAME))
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"status": 503}, "answers 503 Service Unavailable"),
        ({"status": 404}, "answers 404 Not Found"),
        ({"says_length": False}, "does not say its size"),
    ],
)
def test_a_server_that_gives_nothing_is_named(server, cache, attributes, said):
    vars(server).update(attributes)
    line = error_of(zoo("get", TF2_NAME))
    assert f"127.0.0.1:{server.url.split(':')[2].split('/')[0]} {said}" in line
    assert f"put it there as {cache / TF2_NAME}.tar.gz" in line


def test_sizes_are_those_that_the_server_says(server, cache):
    result = zoo("list", "--filter", "ssd mobilenet v2 320", "--generation", "tf2", "--sizes")
    size_of = {line.split()[0]: line.split()[-1] for line in result.stdout.splitlines()}
    assert size_of[TF2_NAME] == f"{len(server.content) / 1e6:.1f}"
    assert size_of["ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8"] == "-"
    assert "1 of 2 sizes are not known: 127.0.0.1" in result.stderr
    assert all(request.startswith("HEAD ") for request in server.requests)
    assert not cache.exists()
