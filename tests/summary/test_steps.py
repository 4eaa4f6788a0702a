"""Argo's nodes, as KFP's API tells them, brought down to the pipeline's steps."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import kfp_server_api as api
import yaml

from detloop.summary import failed_step, steps_of
from tests.cluster.run_states import at, node, step
from tests.summary.conftest import SPEC

GOLDEN = Path(__file__).parents[1] / "cluster/golden/cpu.yaml"


def run_of(change: Callable[[Any], None], spec: dict[str, Any] | None = None) -> Any:
    run = api.V2beta1Run(run_id="run-1", display_name="nightly", pipeline_spec=spec)
    change(run)
    return run


def test_drivers_groups_and_tries_are_no_steps() -> None:
    run = run_of(at("RUNNING", [*step("detect", "SUCCEEDED", 5, 65), *step("train", "RUNNING", 70)]), SPEC)
    steps = steps_of(run)
    assert [(one.name, one.state, one.seconds()) for one in steps] == [
        ("detect", "succeeded", 60.0),
        ("train", "running", None),
        ("summary", "waiting", None),
    ]
    assert steps[0].title == "detect with the teacher"
    assert steps[0].pods == ("run-detect-impl-1",)


def test_without_a_pipeline_the_nodes_names_decide() -> None:
    nodes = [*step("detect", "SUCCEEDED", 5, 65), *step("train", "RUNNING", 70), node("nightly", "RUNNING", 0)]
    assert [one.name for one in steps_of(run_of(at("RUNNING", nodes)))] == ["detect", "train"]


def test_a_loops_iterations_are_steps_of_their_own() -> None:
    nodes = [*step("detect", "SUCCEEDED", 5, 65), *step("detect", "FAILED", 6, 30)]
    steps = steps_of(run_of(at("FAILED", nodes), SPEC))
    assert [(one.name, one.state) for one in steps[:2]] == [("detect", "succeeded"), ("detect", "failed")]
    first_failed = failed_step(steps)
    assert first_failed is not None
    assert first_failed.seconds() == 24.0


def test_a_run_that_has_not_begun_has_waiting_steps() -> None:
    steps = steps_of(run_of(at("PENDING", []), SPEC))
    assert {one.state for one in steps} == {"waiting"}
    assert failed_step(steps) is None


def test_steps_are_in_one_order_however_the_servers_json_is() -> None:
    """Of the real pipeline, in which some steps are alternatives that depend on none of each other."""
    spec = next(yaml.safe_load_all(GOLDEN.read_text()))
    names = [[one.name for one in steps_of(run_of(at("PENDING", []), each))] for each in (spec, reversed_keys(spec))]
    assert names[0] == names[1]
    assert names[0][:4] == ["select", "detect", "detect-2", "collect"]


def reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    return value
