"""The demo on the kind cluster: its uploads against a real MinIO, its run against a server with KFP's API."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from demo.demo import LABELS
from tests.cluster.kfp_server import KfpServer, serving
from tests.cluster.run_states import at, step
from tests.demo.test_teacher import installed
from tests.servers import KEY, SECRET, Server, free_port, minio_client
from tests.tools.cluster_fakes import FakeCluster
from tools.kind_demo import arguments, as_arguments

DEMO = "tools.kind_demo"
BUCKET = "detloop"


@pytest.fixture
def cluster(tmp_path: Path) -> FakeCluster:
    return FakeCluster(tmp_path)


@pytest.fixture
def kfp(cluster: FakeCluster) -> Iterator[KfpServer]:
    with serving() as (server, url):
        cluster.serve("ml-pipeline-ui", url)
        yield server


@pytest.fixture
def minio(cluster: FakeCluster, minio_server: Server) -> Server:
    """MinIO as the cluster's, with the bucket that `make kind-up` makes."""
    cluster.serve("object-store", minio_server.endpoint)
    cluster.make_secret("minio-root", accesskey=KEY, secretkey=SECRET)
    if not minio_client(minio_server).bucket_exists(BUCKET):
        minio_client(minio_server).make_bucket(BUCKET)
    return minio_server


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """The demo's folder with three frames in it."""
    folder = tmp_path / "demo"
    (folder / "frames").mkdir(parents=True)
    for number in range(1, 4):
        Image.new("RGB", (64, 48)).save(folder / "frames" / f"{number:06d}.jpg")
    return folder


@pytest.mark.skipif(not installed(), reason="needs the dependency group demo")
def test_what_the_run_is_told_of_has_been_uploaded(
    cluster: FakeCluster, minio: Server, kfp: KfpServer, frames: Path
) -> None:
    kfp.progress = [at("RUNNING", step("detect", "RUNNING", 5)), at("SUCCEEDED", step("detect", "SUCCEEDED", 5, 9), 10)]
    port = str(free_port())
    done = cluster.run(DEMO, "--output", str(frames), "--ui-port", port, AWS_ACCESS_KEY_ID="of-another-store")
    assert done.returncode == 0, done.stderr
    (run,) = kfp.runs.values()
    told = run.runtime_config.parameters
    uploaded = {one.object_name for one in minio_client(minio).list_objects(BUCKET, recursive=True)}
    assert {f"images/{number:06d}.jpg" for number in range(1, 4)} <= uploaded
    for name in ("model", "label_map", "checkpoint", "config"):
        bucket, _, key = told[name].removeprefix("minio://").partition("/")
        assert (bucket, key in uploaded) == (BUCKET, True)
    assert told["images"] == f"minio://{BUCKET}/images"
    assert f"http://localhost:{port}/#/runs/details/{run.run_id}" in done.stderr
    assert f"port-forward service/ml-pipeline-ui {port}:80" in done.stdout
    assert SECRET not in done.stdout + done.stderr + "".join(cluster.calls())


@pytest.mark.skipif(not installed(), reason="needs the dependency group demo")
def test_a_run_that_fails_is_the_demos_exit_code(
    cluster: FakeCluster, minio: Server, kfp: KfpServer, frames: Path
) -> None:
    kfp.progress = [at("FAILED", step("train", "FAILED", 5, 9), 10)]
    done = cluster.run(DEMO, "--output", str(frames), "--ui-port", str(free_port()))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("detloop: error: ")


def test_a_cluster_that_is_not_there_is_told(cluster: FakeCluster) -> None:
    cluster.fail("kubectl get namespace")
    done = cluster.run(DEMO)
    assert (done.returncode, done.stderr) == (
        1,
        "kind-demo: error: the cluster kind-detloop does not answer; make it by `make kind-up`\n",
    )


def test_a_cluster_that_is_half_made_is_told(cluster: FakeCluster) -> None:
    done = cluster.run(DEMO)
    assert (done.returncode, done.stderr) == (
        1,
        "kind-demo: error: MinIO is not installed yet; `make kind-up` goes on where it was\n",
    )


def test_the_demos_options_become_the_pipelines_arguments() -> None:
    assert dict(as_arguments(("--tile", "300x300", "--keep-negatives", "--group-by-time", 12, "--flip"))) == {
        "tile": "300x300",
        "keep_negatives": "true",
        "group_by_time": "12",
        "flip": "true",
    }
    given = arguments("graph.pb", "map.pbtxt")
    assert given["model"] == given["checkpoint"] == f"minio://{BUCKET}/teacher/graph.pb"
    assert given.items() >= dict(as_arguments(LABELS)).items()
    assert float(str(given["teacher_threshold"])) <= float(str(given["label_threshold"]))
