"""The demo's pipeline in the image, as uid 1000, with no network but the store: it gives what processes give."""

import csv
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kfp import components, local
from minio import Minio

from demo.teacher import find_teacher
from detloop.cluster import plan_containers
from detloop.cluster.local_control_flow import control_flow_in_place
from detloop.cluster.local_run import kfp_kept_quiet
from detloop.cluster.step_container import StepContainers
from detloop.detections import read_image_rows
from tests.docker.conftest import FRAMES, ROOT, USER, of_a_user
from tests.servers import BUCKET, KEY, SECRET, find_server

pytestmark = pytest.mark.heavy
STEPS = 10
PORT = 9000
SETTINGS = {"classes": "person", "threshold": 0.4, "steps": STEPS}


@dataclass(frozen=True)
class Store:
    """A MinIO server that is alone on a network without a way out."""

    network: str
    endpoint: str

    def environment(self) -> dict[str, str]:
        return {"MINIO_ENDPOINT": self.endpoint, "MINIO_ACCESS_KEY": KEY, "MINIO_SECRET_KEY": SECRET}


@pytest.fixture(scope="module")
def store(engine: Any, image_id: str, inputs: Path) -> Iterator[Store]:
    """The server, with the frames in its bucket."""
    binary = find_server("DETLOOP_MINIO", "minio")
    if binary is None:
        pytest.skip("no MinIO: build it with `make minio`, or name its binary in DETLOOP_MINIO")
    network = engine.networks.create(f"detloop-{uuid.uuid4().hex[:8]}", internal=True)
    server = engine.containers.run(
        image_id,
        ["/minio", "server", "--quiet", "--address", f":{PORT}", "/tmp/data"],  # noqa: S108
        volumes={str(binary): {"bind": "/minio", "mode": "ro"}},
        environment={"MINIO_ROOT_USER": KEY, "MINIO_ROOT_PASSWORD": SECRET, "MINIO_BROWSER": "off"},
        network=network.name,
        detach=True,
    )
    try:
        server.reload()
        address = server.attrs["NetworkSettings"]["Networks"][network.name]["IPAddress"]
        client = Minio(f"{address}:{PORT}", KEY, SECRET, secure=False)
        client.make_bucket(BUCKET)
        for frame in sorted((inputs / "frames").iterdir()):
            client.fput_object(BUCKET, f"frames/{frame.name}", str(frame))
        yield Store(network.name, f"http://{address}:{PORT}")
    finally:
        server.kill()
        server.remove(force=True)
        network.remove()


def arguments_of(inputs: Path) -> dict[str, str]:
    model, label_map = find_teacher(inputs)
    return {
        "images": str(inputs / "frames"),
        "model": str(model),
        "label_map": str(label_map),
        "checkpoint": str(model),
        "config": str(ROOT / "demo" / "pipeline.config"),
    }


def run_detloop(inputs: Path, output: Path, *options: str, **other: str) -> subprocess.CompletedProcess[str]:
    values = {**arguments_of(inputs), **SETTINGS, **other, "output": output}
    named = [word for name, value in values.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    command = [sys.executable, "-m", "detloop.cli", "run", *named, *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def of_processes(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `detloop run` makes."""
    output = tmp_path_factory.mktemp("processes")
    done = run_detloop(inputs, output)
    assert done.returncode == 0, done.stderr
    return next((output / "pipeline").glob("detection-loop-*"))


def assert_same(run: Path, of_processes: Path) -> None:
    """The same but for what a training's rounding makes of it: the teacher's tables and the records byte for byte."""
    for name in (
        "detect/detections/detections.csv",
        "detect/detections/images.csv",
        "records/records/split.csv",
        "records/records/label_map.pbtxt",
    ):
        assert (run / name).read_bytes() == (of_processes / name).read_bytes(), name
    records = sorted(path.name for path in (of_processes / "records/records").glob("*.record"))
    assert len(records) >= 2
    for name in records:
        assert (run / "records/records" / name).read_bytes() == (of_processes / "records/records" / name).read_bytes()
    losses, losses_of_processes = losses_in(run), losses_in(of_processes)
    assert len(losses) == STEPS
    assert losses[0] == pytest.approx(losses_of_processes[0], rel=1e-3)
    assert losses[-1] < losses[0]
    looked_at = list(read_image_rows(run / "detect-3/detections/images.csv"))
    assert looked_at == list(read_image_rows(of_processes / "detect-3/detections/images.csv"))
    assert len(looked_at) == FRAMES
    metrics = json.loads((run / "evaluate/evaluation/metrics.json").read_text())
    assert metrics["AP50"] > 0


def losses_in(run: Path) -> list[float]:
    with (run / "train/training/training_log.csv").open(newline="") as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


def test_a_local_folder_gives_the_same_without_any_network(
    image_id: str, inputs: Path, of_processes: Path, output: Path
) -> None:
    done = run_detloop(inputs, output, "--runner", "docker")
    assert done.returncode == 0, done.stderr
    (run,) = (output / "pipeline").glob("detection-loop-*")
    assert_same(run, of_processes)
    assert (run / "train/training/training_log.csv").stat().st_uid == (os.getuid() or USER)
    assert (output / "report.html").is_file()


def test_a_bucket_gives_the_same_with_no_network_but_the_store(
    image_id: str,
    store: Store,
    inputs: Path,
    of_processes: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The very file that a cluster gets, its exit handler included."""
    package, root = tmp_path / "pipeline.yaml", of_a_user(tmp_path / "out") / "pipeline"
    compile_ = [sys.executable, "-m", "detloop.cli", "compile", "--profile", "cpu", "--output", str(package)]
    subprocess.run(compile_, cwd=ROOT, check=True, capture_output=True)
    for name, value in store.environment().items():
        monkeypatch.setenv(name, value)
    root.mkdir()
    arguments = {**arguments_of(inputs), **SETTINGS, "images": f"minio://{BUCKET}/frames"}
    steps = StepContainers(plan_containers(None, arguments.values(), store.network), root)
    local.init(steps.runner(), pipeline_root=str(root))
    with steps.in_place(), control_flow_in_place(), kfp_kept_quiet():
        components.load_component_from_file(str(package))(**arguments)

    (run,) = root.glob("detection-loop-*")
    (detections,) = run.rglob("detect/detections")
    assert_same(detections.parent.parent, of_processes)
    assert {path.stat().st_uid for path in run.rglob("*.csv")} == {os.getuid() or USER}
    assert SECRET not in package.read_text()
    assert "summary" in steps.seconds


def test_the_stores_network_leads_nowhere_else(engine: Any, image_id: str, store: Store) -> None:
    said = engine.containers.run(image_id, ["cat", "/proc/net/route"], network=store.network, remove=True)
    routes = [line.split() for line in said.decode().splitlines()[1:]]
    assert routes, "not on the network at all"
    assert "00000000" not in [destination for _, destination, *_ in routes]


def test_a_step_that_fails_in_its_container_is_told_in_one_line(image_id: str, inputs: Path, output: Path) -> None:
    broken = inputs / "broken.pb"
    broken.write_bytes(b"no graph")
    done = run_detloop(inputs, output, "--runner", "docker", model=str(broken))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"detloop: error: step detect: {broken}: ")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--runner", "docker", "--image", "no-such-image:1"], "image no-such-image:1: is not here"),
        (["--image", "some:1"], "for --runner docker"),
    ],
)
def test_what_cannot_be_is_told_before_any_step(
    engine: Any, inputs: Path, output: Path, options: list[str], said: str
) -> None:
    done = run_detloop(inputs, output, *options)
    assert done.returncode > 0
    assert said in done.stderr.splitlines()[-1]
    assert list(output.iterdir()) == []


def test_an_engine_that_does_not_answer_is_told(inputs: Path, output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{output}/no.sock")
    pytest.importorskip("docker.client", reason="the Python package docker is not installed")
    done = run_detloop(inputs, output, "--runner", "docker")
    assert done.returncode == 1
    assert "no container engine answers at unix://" in done.stderr.splitlines()[-1]
