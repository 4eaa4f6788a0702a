"""The compiled pipeline, as a KFP server would read it."""

import inspect
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from detloop.cli import main
from detloop.cluster import compile_pipeline
from detloop.detect import detect_images
from pipeline import detection_loop

STEPS = ("detect", "records", "train", "export", "evaluate", "detect-2", "report")


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The graph as the local run has it, without a profile."""
    path = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    compile_pipeline(detection_loop, path)
    return yaml.safe_load(path.read_text())


def containers_of(spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    executors = spec["deploymentSpec"]["executors"].items()
    return {name.removeprefix("exec-"): one["container"] for name, one in executors if "container" in one}


def test_every_step_is_there(spec: dict[str, Any]) -> None:
    assert set(containers_of(spec)) == set(STEPS)


@pytest.mark.parametrize(
    ("step", "side", "name", "schema"),
    [
        ("detect", "input", "model", "system.Model"),
        ("detect", "input", "label_map", "system.Artifact"),
        ("detect", "output", "detections", "system.Dataset"),
        ("records", "output", "records", "system.Dataset"),
        ("records", "output", "label_map", "system.Artifact"),
        ("records", "output", "page", "system.HTML"),
        ("train", "output", "training", "system.Model"),
        ("export", "output", "model", "system.Model"),
        ("evaluate", "output", "metrics", "system.Metrics"),
        ("report", "output", "page", "system.HTML"),
        ("report", "output", "summary", "system.Markdown"),
    ],
)
def test_what_travels_between_steps_is_typed(
    spec: dict[str, Any], step: str, side: str, name: str, schema: str
) -> None:
    definitions = spec["components"][f"comp-{step}"][f"{side}Definitions"]
    assert definitions["artifacts"][name]["artifactType"]["schemaTitle"] == schema


@pytest.mark.parametrize(
    ("step", "name", "producer"),
    [
        ("records", "detections", "detect"),
        ("train", "records", "records"),
        ("export", "training", "train"),
        ("evaluate", "model", "export"),
        ("evaluate", "records", "records"),
        ("detect-2", "model", "export"),
        ("detect-2", "label_map", "records"),
        ("report", "teacher", "detect"),
        ("report", "student", "detect-2"),
        ("report", "evaluation", "evaluate"),
    ],
)
def test_each_step_gets_what_the_story_says(spec: dict[str, Any], step: str, name: str, producer: str) -> None:
    artifact = spec["root"]["dag"]["tasks"][step]["inputs"]["artifacts"][name]
    assert artifact["taskOutputArtifact"]["producerTask"] == producer


def test_only_what_a_run_must_be_told_has_no_default(spec: dict[str, Any]) -> None:
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    assert {name for name, one in parameters.items() if not one.get("isOptional")} == {
        "images",
        "model",
        "label_map",
        "config",
    }
    assert [name for name, one in parameters.items() if not one.get("description")] == []


SEEING_MORE = ("tile", "overlap", "flip", "scales", "merge", "merge_iou", "cross_class_iou")


@pytest.mark.parametrize("name", SEEING_MORE)
def test_the_teacher_sees_more_and_the_student_is_measured_by_a_single_pass(spec: dict[str, Any], name: str) -> None:
    teacher, student = (spec["root"]["dag"]["tasks"][step]["inputs"]["parameters"] for step in ("detect", "detect-2"))
    assert teacher[name] == {"componentInputParameter": name}
    assert name not in student


@pytest.mark.parametrize("name", SEEING_MORE)
def test_what_is_not_asked_for_is_the_same_everywhere(spec: dict[str, Any], name: str) -> None:
    of_function = inspect.signature(detect_images).parameters[name].default
    for command in ("detect", "run"):
        (option,) = (each for each in main.commands[command].params if each.name == name)
        assert option.default == of_function
    for inputs in (spec["root"], spec["components"]["comp-detect"]):
        assert inputs["inputDefinitions"]["parameters"][name].get("defaultValue", "") == of_function


def test_a_name_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["compile", "--output", str(tmp_path / "pipeline.json")])
    assert result.exit_code == 1
    assert "ends in .yaml" in result.stderr
    assert list(tmp_path.iterdir()) == []
