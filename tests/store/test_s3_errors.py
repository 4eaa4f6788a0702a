"""What cannot be mended by trying again: one line that says what is wrong, from what a real server answers."""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import minio.time
import pytest
from minio.credentials.providers import AssumeRoleProvider

from detloop.cli import main
from detloop.errors import DetloopError
from detloop.store import open_store
from tests.servers import BUCKET, KEY, SECRET, Server, find_server, free_port, start_minio_that_waits

ONE_CONTACT_SECONDS = 20


def refusal(uri: str) -> str:
    """Why a store cannot be opened: one line without a secret, told within seconds."""
    began = time.monotonic()
    with pytest.raises(DetloopError) as caught:
        open_store(uri)
    assert time.monotonic() - began < ONE_CONTACT_SECONDS
    text = str(caught.value)
    assert text.startswith(uri)
    assert "\n" not in text
    assert SECRET not in text
    return text


def test_no_such_bucket(minio_bucket: str, minio_server: Server) -> None:
    assert f"there is no bucket 'none' at {minio_server.endpoint}" in refusal("minio://none/images")


def test_a_key_that_the_server_does_not_know(minio_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody-here")
    assert "does not know these credentials (InvalidAccessKeyId)" in refusal(minio_bucket)


def test_a_wrong_secret(minio_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret")
    assert "does not know these credentials (SignatureDoesNotMatch)" in refusal(minio_bucket)


def test_no_credentials_for_a_bucket_that_is_not_public(minio_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "access denied: no credentials are set; give AWS_ACCESS_KEY_ID" in refusal(minio_bucket)


def test_credentials_that_do_not_allow_it(
    minio_bucket: str, minio_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(minio_bucket).write_bytes("a.jpg", b"a")
    listing_alone = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"}
    provider = AssumeRoleProvider(
        sts_endpoint=minio_server.endpoint,
        access_key=KEY,
        secret_key=SECRET,
        policy=json.dumps({"Version": "2012-10-17", "Statement": [listing_alone]}),
    )
    session = provider.retrieve()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", session.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", session.secret_key)
    monkeypatch.setenv("AWS_SESSION_TOKEN", session.session_token or "")
    store = open_store(minio_bucket)
    assert list(store.names()) == ["a.jpg"]
    for use in (lambda: store.read_bytes("a.jpg"), lambda: store.write_bytes("b.jpg", b"b")):
        with pytest.raises(DetloopError, match="access denied: the credentials are known, but do not allow this"):
            use()
    assert list(store.names()) == ["a.jpg"]


def test_a_clock_that_is_wrong(minio_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = minio.time.utcnow
    monkeypatch.setattr(minio.time, "utcnow", lambda: right() - timedelta(hours=1))
    assert "this machine's clock is too far from the server's; set it right" in refusal(minio_bucket)


def test_a_server_that_is_not_ready(minio_bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    binary = find_server("DETLOOP_MINIO", "minio")
    assert binary is not None
    server = start_minio_that_waits(binary, tmp_path)
    try:
        monkeypatch.setenv("MINIO_ENDPOINT", server.endpoint)
        assert f"{server.endpoint} is too busy or not ready" in refusal(minio_bucket)
    finally:
        server.kill()


@pytest.mark.usefixtures("store_environment")
def test_no_server_at_the_endpoint(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("MINIO_ENDPOINT", endpoint)
    expected = f"cannot reach {endpoint}: Connection refused; check MINIO_ENDPOINT and the server"
    assert expected in refusal("minio://bucket/images")
    assert caplog.messages == []


@pytest.mark.usefixtures("store_environment")
def test_no_such_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://nowhere.invalid:9000")
    assert "no such host: http://nowhere.invalid:9000; check AWS_ENDPOINT_URL" in refusal("s3://bucket/images")


@pytest.fixture
def web_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, store_environment: None) -> Iterator[str]:
    """A web server that is no S3 server, at the endpoint."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        monkeypatch.setenv("MINIO_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_another_kind_of_server_at_the_endpoint(web_server: str) -> None:
    assert f"what answers at http://{web_server} is no S3 server; check MINIO_ENDPOINT" in refusal("minio://bucket")


def test_a_server_without_tls(web_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIO_ENDPOINT", f"https://{web_server}")
    assert f"https://{web_server} does not speak TLS; write http:// in MINIO_ENDPOINT" in refusal("minio://bucket")


def test_the_command_says_it_in_one_line(
    minio_bucket: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret")
    table = tmp_path / "detections.csv"
    table.write_text("filename,width,height,class,score,xmin,ymin,xmax,ymax\na.jpg,9,9,car,0.9,1,1,5,5\n")
    options = ["records", "--detections", str(table), "--images", minio_bucket, "--output", str(tmp_path / "out")]
    assert main(options, standalone_mode=False) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith(f"detloop: error: {minio_bucket}: ")
    assert printed.err.count("\n") == 1
    assert "wrong-secret" not in printed.out + printed.err
