"""Every step run as KFP's launcher runs it on Kubernetes: its command, an environment of its own, files for outputs."""

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from detloop.cluster import build, compile_pipeline, load_profile
from detloop.evaluate import evaluate_detections
from detloop.images import open_source
from detloop.labels import LabelMap, write_label_map
from detloop.listing import list_images, write_listing
from detloop.promotion import read_champion
from pipeline import detection_loop, summary
from tests.cluster.kfp_server import KfpServer
from tests.cluster.run_states import at, step
from tests.drawn import RED, draw_image
from tests.launcher import Artifact, Finished, Launcher
from tests.summary.conftest import server as server
from tests.tables import IMAGES_HEADER, row, write_csv
from tests.train.tiny_configs import write_ssd_config

BOX_PX = (8, 8, 40, 48)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    compile_pipeline(build(detection_loop, load_profile("cpu"), summary), path)
    return next(yaml.safe_load_all(path.read_text()))


@pytest.fixture
def launcher(pipeline: dict[str, Any], tmp_path: Path) -> Launcher:
    return Launcher(pipeline, tmp_path)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Six images with a red rectangle."""
    for number in range(6):
        draw_image(tmp_path / f"images/{number}.png", [BOX_PX], color=RED)
    return tmp_path / "images"


@pytest.fixture
def detections(launcher: Launcher, images: Path) -> Artifact:
    """What the teacher is supposed to have found."""
    made = launcher.artifact("given/detections", "system.Dataset")
    made.path.mkdir()
    names = sorted(path.name for path in images.iterdir())
    write_csv(made.path / "detections.csv", [row(name, BOX_PX, "red") for name in names])
    write_csv(made.path / "images.csv", [(name, 96, 64, 1, "") for name in names], IMAGES_HEADER)
    return made


@pytest.fixture
def label_map(launcher: Launcher, color_label_map: Path) -> Artifact:
    """The teacher's label map."""
    made = launcher.artifact("given/label_map")
    made.path.symlink_to(color_label_map)
    return made


@pytest.fixture
def listing(launcher: Launcher, images: Path) -> Artifact:
    """The six images."""
    made = launcher.artifact("given/listing", "system.Dataset")
    write_listing(made.path, list_images(open_source(str(images))))
    return made


@pytest.fixture
def records(launcher: Launcher, images: Path, detections: Artifact, label_map: Artifact) -> Finished:
    given = {"detections": detections, "teacher_label_map": label_map}
    return checked(launcher.run("exec-records", {"images": str(images), "first": 4}, given))


def checked(finished: Finished) -> Finished:
    """A step that succeeded and left a file or folder for each of its outputs."""
    assert finished.code == 0, finished.said
    assert [name for name, one in finished.outputs.items() if not one.path.exists()] == []
    return finished


def test_no_step_needs_a_placeholder_that_the_launcher_lacks(pipeline: dict[str, Any]) -> None:
    executors = pipeline["deploymentSpec"]["executors"].items()
    containers = {name: one["container"] for name, one in executors if "container" in one}
    assert len(containers) >= 14
    for name, container in containers.items():
        words = [*container["command"], *container["args"], *(one["value"] for one in container.get("env", []))]
        placeholders = [found for word in words for found in re.findall(r"\{\{.*?\}\}", word)]
        assert (name, placeholders) == (name, ["{{$}}"])
        assert "{{" not in container["command"][0]


def test_one_step_alone_has_output_parameters_and_none_makes_lists_of_artifacts(pipeline: dict[str, Any]) -> None:
    """The launcher fails a step whose output parameter is not written, and cannot make lists."""
    for name, component in pipeline["components"].items():
        if "executorLabel" in component:
            outputs = component.get("outputDefinitions", {})
            assert ("parameters" in outputs) == (name == "comp-select")
            assert [one for one in outputs.get("artifacts", {}).values() if one.get("isArtifactList")] == []


def test_records(records: Finished) -> None:
    names = {path.name for path in records.outputs["records"].path.iterdir()}
    assert {"train-00000-of-00001.record", "valid-00000-of-00001.record", "split.csv"} <= names
    assert records.outputs["records"].metadata["train_images"] == 4


def test_select(launcher: Launcher, images: Path) -> None:
    finished = checked(launcher.run("exec-select", {"images": str(images), "shards": 3, "checkpoint": "zoo"}, {}))
    assert finished.parameters == {"images": 6, "shards": ["1/1"], "checkpoint": "zoo", "classes": "", "champion": ""}
    assert len(finished.outputs["listing"].path.read_text().splitlines()) == 1 + 6
    assert "6 images in 1 shard" in finished.outputs["page"].path.read_text()


@pytest.mark.parametrize("executor", ["exec-collect", "exec-collect-2"])
def test_collect(launcher: Launcher, detections: Artifact, listing: Artifact, executor: str) -> None:
    shards = [launcher.artifact(f"given/shard-{number}/detections", "system.Dataset") for number in (1, 2)]
    for shard, rows in zip(shards, (slice(1, 5), slice(5, 7)), strict=True):
        shard.path.mkdir()
        for name in ("detections.csv", "images.csv"):
            header, *lines = (detections.path / name).read_text().splitlines(keepends=True)
            (shard.path / name).write_text("".join([header, *[header, *lines][rows]]))
    finished = checked(launcher.run(executor, {}, {"shards": shards, "listing": listing}))
    for name in ("detections.csv", "images.csv"):
        assert (finished.outputs["detections"].path / name).read_text() == (detections.path / name).read_text()
    assert finished.outputs["detections"].metadata["shards"] == 2


def test_promote(launcher: Launcher, detections: Artifact, listing: Artifact, tmp_path: Path) -> None:
    evaluation, model = launcher.artifact("given/evaluation"), launcher.artifact("given/model", "system.Model")
    table = detections.path / "detections.csv"
    evaluate_detections(detections=table, ground_truth=table, output=evaluation.path)
    model.path.mkdir()
    write_label_map(LabelMap.of_names(["red"]), model.path / "label_map.pbtxt")
    given = {"model": model, "evaluation": evaluation, "listing": listing}
    promoted = str(tmp_path / "promoted")
    finished = checked(launcher.run("exec-promote", {"promoted": promoted, "metric": "AP50"}, given))
    assert finished.outputs["page"].metadata["promoted"] == "yes"
    champion = read_champion(promoted)
    assert champion is not None
    assert (champion.metric, champion.figure) == ("AP50", 1.0)


def test_report(launcher: Launcher, images: Path, detections: Artifact) -> None:
    evaluation, training = launcher.artifact("given/evaluation"), launcher.artifact("given/training", "system.Model")
    table = detections.path / "detections.csv"
    evaluate_detections(detections=table, ground_truth=table, output=evaluation.path)
    training.path.mkdir()
    (training.path / "training_log.csv").write_text("step,loss,learning_rate,images_per_second\n1,2.5,0.01,9\n")
    given = {"teacher": detections, "student": detections, "evaluation": evaluation, "training": training}
    finished = checked(launcher.run("exec-report", {"images": str(images)}, given))
    assert "data:image/jpeg;base64," in finished.outputs["page"].path.read_text()
    assert finished.outputs["page"].metadata["teacher_boxes"] == 6


def test_summary(launcher: Launcher, server: KfpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.progress = [at("RUNNING", step("detect", "FAILED", 5, 65))]
    status = {"state": "FAILED", "pipelineJobResourceName": "runs/run-1", "pipelineTaskName": "loop", "error": {}}
    endpoint = os.environ["KF_PIPELINES_ENDPOINT"]
    parameters = {"run_id": "run-1", "status": status}
    finished = checked(launcher.run("exec-summary", parameters, {}, KF_PIPELINES_ENDPOINT=endpoint))
    assert "| detect with the teacher | failed | 60 |" in finished.outputs["page"].path.read_text()


def test_a_step_that_fails_fails_with_its_reason(launcher: Launcher, images: Path, label_map: Artifact) -> None:
    given = {"detections": launcher.artifact("given/nothing", "system.Dataset"), "teacher_label_map": label_map}
    finished = launcher.run("exec-records", {"images": str(images)}, given)
    assert finished.code != 0
    assert "nothing/detections.csv" in finished.said
    assert not finished.outputs["records"].path.exists()


@pytest.mark.heavy
@pytest.mark.parametrize("executor", ["exec-detect", "exec-detect-2", "exec-detect-3", "exec-detect-4"])
def test_detect(
    launcher: Launcher, images: Path, frozen_graph: Path, label_map: Artifact, listing: Artifact, executor: str
) -> None:
    model = launcher.artifact("given/model", "system.Model")
    model.path.symlink_to(frozen_graph)
    given = {"model": model, "label_map": label_map, "listing": listing}
    finished = launcher.run(executor, {"images": str(images), "shard": "1/1"}, given)
    assert checked(finished).outputs["detections"].metadata["boxes"] == 6


@pytest.mark.heavy
def test_a_detection_that_is_tried_again_in_a_new_pod_goes_on(
    pipeline: dict[str, Any],
    tmp_path: Path,
    images: Path,
    frozen_graph: Path,
    color_label_map: Path,
    minio_bucket: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tests.launcher.BUCKET", f"{minio_bucket}/v2/artifacts/run-1")
    store = {name: os.environ[name] for name in ("MINIO_ENDPOINT", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    said = []
    for pod in ("first", "second"):
        (tmp_path / pod).mkdir()
        launcher = Launcher(pipeline, tmp_path / pod)
        given = {"model": launcher.artifact("model", "system.Model"), "label_map": launcher.artifact("label_map")}
        shutil.copy(frozen_graph, given["model"].path)
        shutil.copy(color_label_map, given["label_map"].path)
        given["listing"] = launcher.artifact("listing", "system.Dataset")
        write_listing(given["listing"].path, list_images(open_source(str(images))))
        said.append(checked(launcher.run("exec-detect-2", {"images": str(images)}, given, **store)).said)
    assert "by an earlier, interrupted run" not in said[0]
    assert "found 6 boxes in 6 images (6 of them by an earlier, interrupted run)" in said[1]


@pytest.mark.heavy
def test_evaluate(launcher: Launcher, records: Finished, frozen_graph: Path, color_label_map: Path) -> None:
    model = launcher.artifact("given/model", "system.Model")
    model.path.mkdir()
    (model.path / "frozen_inference_graph.pb").symlink_to(frozen_graph)
    (model.path / "label_map.pbtxt").symlink_to(color_label_map)
    given = {"model": model, "records": records.outputs["records"]}
    finished = launcher.run("exec-evaluate", {"champion": str(model.path)}, given)
    assert checked(finished).outputs["metrics"].metadata["AP50"] > 0.9
    evaluation = finished.outputs["evaluation"].path
    assert (evaluation / "metrics.json").read_bytes() == (evaluation / "champion/metrics.json").read_bytes()


@pytest.mark.heavy
def test_train_and_export(launcher: Launcher, images: Path, records: Finished, tmp_path: Path) -> None:
    config = write_ssd_config(tmp_path, "tf2")
    given = {"records": records.outputs["records"]}
    trained = checked(launcher.run("exec-train", {"config": str(config), "steps": 2, "batch_size": 2}, given))
    assert (trained.outputs["training"].path / "training_log.csv").is_file()
    exported = launcher.run("exec-export", {"images": str(images)}, {"training": trained.outputs["training"]})
    assert (checked(exported).outputs["model"].path / "saved_model/saved_model.pb").is_file()
