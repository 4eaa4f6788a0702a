"""Models and object stores that several folders of tests use; made once a session."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from detloop.labels import LabelMap, write_label_map
from tests import tiny_models

if TYPE_CHECKING:
    from tests.servers import Server


@pytest.fixture(scope="session")
def frozen_graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A frozen graph that finds what is red (class 1), green (2) and blue (3)."""
    return tiny_models.write_frozen_graph(tmp_path_factory.mktemp("frozen") / "frozen_inference_graph.pb")


@pytest.fixture(scope="session")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same detector as a SavedModel of TensorFlow 2."""
    return tiny_models.write_saved_model(tmp_path_factory.mktemp("saved") / "saved_model")


@pytest.fixture(scope="session")
def color_label_map(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """red, green and blue, as the models number them."""
    path = tmp_path_factory.mktemp("labels") / "label_map.pbtxt"
    write_label_map(LabelMap.of_names(["red", "green", "blue"]), path)
    return path


@pytest.fixture(scope="session")
def minio_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Server"]:
    """A MinIO server with the empty bucket `tests`; a test that kills it starts it again."""
    from tests.servers import find_server, start_minio

    binary = find_server("DETLOOP_MINIO", "minio")
    if binary is None:
        pytest.skip("no MinIO: build it with `make minio`, or name its binary in DETLOOP_MINIO")
    server = start_minio(binary, tmp_path_factory.mktemp("minio"))
    yield server
    server.kill()


@pytest.fixture(scope="session")
def gcs_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Server"]:
    """An emulator of Google Cloud Storage with the empty bucket `tests`."""
    from tests.servers import find_server, start_gcs_emulator

    binary = find_server("DETLOOP_FAKE_GCS_SERVER", "fake-gcs-server")
    if binary is None:
        pytest.skip("no GCS emulator: build it with `make minio`, or name its binary in DETLOOP_FAKE_GCS_SERVER")
    server = start_gcs_emulator(binary, tmp_path_factory.mktemp("gcs"))
    yield server
    server.kill()


@pytest.fixture
def store_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that names no server and no credentials, and a cache of the test's own."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "MINIO_", "S3_", "GOOGLE_", "STORAGE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("DETLOOP_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def minio_bucket(minio_server: "Server", store_environment: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of a folder of the test's own on MinIO, which the environment leads to."""
    from tests.servers import BUCKET, KEY, SECRET

    monkeypatch.setenv("MINIO_ENDPOINT", minio_server.endpoint)
    monkeypatch.setenv("AWS_ENDPOINT_URL", minio_server.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    return f"minio://{BUCKET}/{uuid.uuid4().hex}"


@pytest.fixture
def gcs_bucket(gcs_server: "Server", store_environment: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of a folder of the test's own in the emulator, which the environment leads to."""
    from tests.servers import BUCKET

    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs_server.endpoint)
    return f"gs://{BUCKET}/{uuid.uuid4().hex}"
