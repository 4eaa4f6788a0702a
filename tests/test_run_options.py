"""What `detloop run` hands to the pipeline; how a run goes is tests/e2e's."""

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from detloop import cluster
from detloop.cli import main
from pipeline import detection_loop
from tests.drawn import draw_image


@pytest.fixture
def handed_over(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The arguments of the last run."""
    arguments: dict[str, Any] = {}
    monkeypatch.setattr(cluster, "run_locally", lambda pipeline, results, given, *_: arguments.update(given))
    return arguments


def run(folder: Path, *options: str) -> None:
    draw_image(folder / "images" / "a.jpg")
    for name in ("model.pb", "labels.pbtxt", "student.config", "sample.csv", "manifest.csv"):
        (folder / name).write_bytes(name.encode())
    arguments = ["--images", folder / "images", "--model", folder / "model.pb", "--label-map", folder / "labels.pbtxt"]
    arguments += ["--config", folder / "student.config", "--output", folder / "out", *options]
    result = CliRunner().invoke(main, ["run", *map(str, arguments)])
    assert result.exit_code == 0, result.output


def test_every_argument_is_one_of_the_pipelines_and_none_is_missing_a_value(
    tmp_path: Path, handed_over: dict[str, Any]
) -> None:
    run(tmp_path)
    assert set(handed_over) <= set(inspect.signature(detection_loop.pipeline_func).parameters)
    assert None not in handed_over.values()
    assert (handed_over["threshold"], handed_over["teacher_threshold"]) == (0.5, 1.0)


def test_the_teacher_detects_as_far_down_as_the_labels_need(tmp_path: Path, handed_over: dict[str, Any]) -> None:
    run(tmp_path, "--label-threshold", "0.5,car=0.4", "--ignore-from", "0.25")
    assert handed_over["teacher_threshold"] == pytest.approx(0.25, abs=1e-5)
    run(tmp_path, "--label-threshold", "0.5,car=0.4", "--teacher-threshold", "0.1")
    assert handed_over["teacher_threshold"] == 0.1


def test_files_are_named_from_the_root_and_their_content_tells_versions_apart(
    tmp_path: Path, handed_over: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = ["--choose-thresholds", "sample.csv", "--group-by-column", "camera", "--manifest", "manifest.csv"]
    run(tmp_path, *options)
    assert handed_over["choose_thresholds"] == str(tmp_path / "sample.csv")
    assert handed_over["manifest"] == str(tmp_path / "manifest.csv")
    before = handed_over["labels_version"]
    run(tmp_path, *options, "--choose-thresholds", "scores")
    assert handed_over["choose_thresholds"] == "scores"
    assert handed_over["labels_version"] != before


def test_a_champion_is_looked_for_from_the_root_and_told_apart_from_the_next(
    tmp_path: Path, handed_over: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path)
    assert (handed_over["promoted"], handed_over["promoted_version"]) == ("", "")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "street").mkdir()
    told = {"version": "0123456789ab", "metric": "AP", "figure": 0.5, "promoted_at": "2026-11-25T06:30:00Z"}
    (tmp_path / "street/champion.json").write_text(json.dumps(told))
    run(tmp_path, "--promoted", "street", "--all-images", "--no-warm-start", "--shards", "3")
    assert handed_over["promoted"] == str(tmp_path / "street")
    assert handed_over["promoted_version"] == "0123456789ab"
    assert (handed_over["new_only"], handed_over["warm_start"], handed_over["shards"]) == (False, False, 3)


def test_what_containers_need_is_refused_where_there_are_none(tmp_path: Path, handed_over: dict[str, Any]) -> None:
    draw_image(tmp_path / "a.jpg")
    needed = [word for name in ("model", "label-map", "config") for word in (f"--{name}", str(tmp_path / "a.jpg"))]
    result = CliRunner().invoke(
        main, ["run", "--images", str(tmp_path), *needed, "--output", str(tmp_path / "out"), "--network", "lab"]
    )
    assert result.exit_code == 2
    assert "--image and --network are for --runner docker" in result.stderr
    assert handed_over == {}
