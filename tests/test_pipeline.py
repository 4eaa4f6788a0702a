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
from pipeline import RESULTS, detection_loop

STEPS = ("select", "records", "train", "export", "evaluate", "report", "promote")
DETECTION_STEPS = ("detect", "detect-2", "collect", "detect-3", "detect-4", "collect-2")
"""The teacher's in one, in shards, and collected; then the student's."""


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
    assert set(containers_of(spec)) == {*STEPS, *DETECTION_STEPS}


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


def tasks_of(spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """All tasks by name, those inside groups too."""
    dags = [spec["root"], *(one for one in spec["components"].values() if "dag" in one)]
    return {name: task for dag in dags for name, task in dag["dag"]["tasks"].items()}


def producers(spec: dict[str, Any], step: str, name: str) -> set[str]:
    """The steps that may have made a step's input, as STEP or, of a loop, STEP of all its turns."""
    scopes = {"root": spec["root"], **spec["components"]}
    (scope,) = [each for each, one in scopes.items() if step in one.get("dag", {}).get("tasks", {})]
    return _makers(scopes, scope, scopes[scope]["dag"]["tasks"][step]["inputs"]["artifacts"][name])


def _makers(scopes: dict[str, Any], scope: str, given: dict[str, Any]) -> set[str]:
    """Follows an input up to the group that it came into, or a result down to the steps that can have made it."""
    if "componentInputArtifact" in given:
        outer = [
            (name, task)
            for name, one in scopes.items()
            for task in one.get("dag", {}).get("tasks", {}).values()
            if task["componentRef"]["name"] == scope
        ]
        ((above, task),) = outer
        return _makers(scopes, above, task["inputs"]["artifacts"][given["componentInputArtifact"]])
    return _made_by(scopes, scope, **given["taskOutputArtifact"])


def _made_by(scopes: dict[str, Any], scope: str, producerTask: str, outputArtifactKey: str) -> set[str]:  # noqa: N803
    component = scopes[scope]["dag"]["tasks"][producerTask]["componentRef"]["name"]
    if "dag" not in scopes[component]:
        return {producerTask}
    made = set()
    for selector in scopes[component]["dag"]["outputs"]["artifacts"][outputArtifactKey]["artifactSelectors"]:
        made |= _made_by(scopes, component, selector["producerSubtask"], selector["outputArtifactKey"])
    return made


@pytest.mark.parametrize(
    ("step", "name", "made_by"),
    [
        ("detect", "listing", {"select"}),
        ("detect-2", "listing", {"select"}),
        ("collect", "shards", {"detect-2"}),
        ("collect", "listing", {"select"}),
        ("records", "detections", {"detect", "collect"}),
        ("train", "records", {"records"}),
        ("export", "training", {"train"}),
        ("evaluate", "model", {"export"}),
        ("evaluate", "records", {"records"}),
        ("detect-3", "model", {"export"}),
        ("detect-3", "label_map", {"records"}),
        ("detect-4", "model", {"export"}),
        ("collect-2", "shards", {"detect-4"}),
        ("report", "teacher", {"detect", "collect"}),
        ("report", "student", {"detect-3", "collect-2"}),
        ("report", "evaluation", {"evaluate"}),
        ("promote", "model", {"export"}),
        ("promote", "evaluation", {"evaluate"}),
        ("promote", "listing", {"select"}),
    ],
)
def test_each_step_gets_what_the_story_says(spec: dict[str, Any], step: str, name: str, made_by: set[str]) -> None:
    assert producers(spec, step, name) == made_by


def test_what_a_run_is_kept_for_is_made_by_a_step(spec: dict[str, Any]) -> None:
    for source in (source for sources in RESULTS.values() for source in sources):
        task, _, output = source.partition(".")
        assert output in spec["components"][f"comp-{task}"]["outputDefinitions"]["artifacts"]


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
    inputs = {step: tasks_of(spec)[step]["inputs"]["parameters"] for step in DETECTION_STEPS if "detect" in step}
    of_teacher = {"componentInputParameter": f"pipelinechannel--{name}"}
    assert inputs["detect"][name] == inputs["detect-2"][name] == of_teacher
    assert name not in inputs["detect-3"]
    assert name not in inputs["detect-4"]


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
