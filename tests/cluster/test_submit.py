"""Runs handed to a KFP server, as the command line does it."""

import re
from pathlib import Path

import pytest

from tests.cluster.conftest import Command
from tests.cluster.kfp_server import KfpServer

NEEDED = (
    *("--images", "s3://films/street"),
    *("--model", "s3://models/teacher"),
    *("--label-map", "s3://models/teacher/label_map.pbtxt"),
    *("--config", "s3://configs/pipeline.config"),
)


def test_a_package_is_submitted_with_its_arguments(command: Command, endpoint: str, package: Path) -> None:
    result = command("submit", "--endpoint", endpoint, "--package", str(package), *NEEDED, "--run-name", "first")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    assert re.fullmatch(
        rf"submitted 'first' to experiment 'detloop': {endpoint}/#/runs/details/[-0-9a-f]+\n", result.stdout
    )


def test_what_arrives_is_the_whole_pipeline_and_values_of_the_right_type(
    command: Command, own_server: KfpServer, package: Path
) -> None:
    result = command(
        *("submit", "--package", str(package), *NEEDED, "-a", "threshold=1", "--steps=500", "--classes", "person,car"),
        *("--group-by", "1", "--pipeline-root", "minio://runs/here", "--service-account", "trainer"),
        *("--experiment", "streets", "--images-version", "7"),
    )
    assert result.exit_code == 0, result.stderr
    (run,) = own_server.runs.values()
    arguments = run.runtime_config.parameters
    assert (arguments["images"], arguments["classes"], arguments["group_by"]) == (
        "s3://films/street",
        "person,car",
        "1",
    )
    assert (arguments["steps"], arguments["threshold"]) == (500, 1)
    assert arguments["images_version"] == "7"
    assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d", arguments["config_version"])
    assert (run.runtime_config.pipeline_root, run.service_account) == ("minio://runs/here", "trainer")
    assert own_server.experiments[run.experiment_id].display_name == "streets"
    assert run.display_name == f"detection-loop {arguments['config_version']}"
    executors = run.pipeline_spec["platform_spec"]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert executors["exec-train"]["activeDeadlineSeconds"] == str(3 * 24 * 3600)


@pytest.mark.parametrize("words", [(), ("--promoted", ""), ("--promoted", "s3://models/street")])
def test_a_champion_is_asked_for_anew_where_there_is_a_place_for_it(
    command: Command, own_server: KfpServer, package: Path, words: tuple[str, ...]
) -> None:
    assert command("submit", "--package", str(package), *NEEDED, *words).exit_code == 0
    (run,) = own_server.runs.values()
    assert ("promoted_version" in run.runtime_config.parameters) == ("s3://models/street" in words)


def test_a_package_is_compiled_on_the_fly(command: Command, own_server: KfpServer) -> None:
    result = command("submit", "--profile", "gpu", "--set", "image.tag=7-{target}", "--no-cache", *NEEDED)
    assert result.exit_code == 0, result.stderr
    (run,) = own_server.runs.values()
    spec = run.pipeline_spec["pipeline_spec"]
    assert spec["deploymentSpec"]["executors"]["exec-train"]["container"]["image"] == "detloop:7-gpu"
    assert spec["root"]["dag"]["tasks"]
    assert {task["cachingOptions"].get("enableCache", False) for task in spec["root"]["dag"]["tasks"].values()} == {
        False
    }


def test_an_experiment_is_made_once(command: Command, own_server: KfpServer, package: Path) -> None:
    for _ in range(2):
        assert command("submit", "--package", str(package), *NEEDED).exit_code == 0
    assert len(own_server.experiments) == 1
    assert len(own_server.runs) == 2


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--imagse", "x"], "argument imagse is unknown; the nearest is images"),
        (["-a", "step=5"], "argument step is unknown; the nearest is steps"),
        (["--steps", "many"], "argument steps: is 'many'; it must be a whole number"),
        (["--steps", "true"], "argument steps: is 'true'; it must be a whole number"),
        (["--threshold", "high"], "argument threshold: is 'high'; it must be a number"),
        ([], ""),
    ],
)
def test_a_wrong_argument_is_named_before_anything_is_made(
    command: Command, own_server: KfpServer, package: Path, words: list[str], error: str
) -> None:
    needed = NEEDED if words else ()
    result = command("submit", "--package", str(package), *needed, *words)
    assert result.exit_code == 1
    expected = error or "the pipeline also needs --config, --images, --label-map, --model"
    assert result.stderr == f"detloop: error: {expected}\n"
    assert not own_server.experiments
    assert not own_server.runs


@pytest.mark.parametrize("words", [["--images"], ["images=x"], ["-a", "images"]])
def test_an_argument_without_a_value_is_wrong_usage(command: Command, own_server: KfpServer, words: list[str]) -> None:
    assert command("submit", *words).exit_code == 2


def test_a_file_that_is_no_package_is_named(command: Command, own_server: KfpServer, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("a: [1, 2]")
    result = command("submit", "--package", str(tmp_path / "other.yaml"), *NEEDED)
    assert f"{tmp_path / 'other.yaml'}: is no compiled pipeline; `detloop compile` writes one" in result.stderr


def test_help_lists_the_pipelines_arguments(command: Command) -> None:
    text = " ".join(command("submit", "--help").stdout.split())
    assert "--label-map VALUE The teacher's label map (.pbtxt). [required]" in text
    assert "--steps VALUE Training steps; 0 for the config's. --batch-size" in text
