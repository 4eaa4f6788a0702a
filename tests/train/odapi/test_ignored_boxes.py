"""What weights do in the API's losses, in both generations: the gradient at anchors laid out by hand."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.train.odapi.losses import ANCHORS
from tests.train.tiny_configs import write_ssd_config

pytestmark = pytest.mark.heavy

CONFIGS = Path(__file__).parents[3] / "configs"
FASTER_RCNN = {"tf1": "faster_rcnn_resnet50.config", "tf2": "faster_rcnn_resnet50_keras.config"}
LOSSES = ["ssd", "ssd, mined", "rpn", "second stage"]
OBJECTS = ["object", "other object", "other object, nearer to an uncertain box"]


@pytest.fixture(scope="module", params=["tf1", "tf2"])
def measured(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    generation, folder = request.param, tmp_path_factory.mktemp(request.param)
    write_ssd_config(folder, generation)
    shutil.copyfile(CONFIGS / FASTER_RCNN[generation], folder / f"{generation}-faster.config")
    command = [sys.executable, "-m", "tests.train.odapi.losses", generation, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def gradient(measured: Any, loss: str, truth: str) -> dict[str, float]:
    return dict(zip(ANCHORS, measured[loss][truth]["gradient"], strict=True))


@pytest.mark.parametrize("loss", LOSSES)
def test_the_anchor_of_an_uncertain_box_learns_nothing(measured: Any, loss: str) -> None:
    assert gradient(measured, loss, "objects")["uncertain"] > 0
    assert gradient(measured, loss, "objects and uncertain")["uncertain"] == 0


@pytest.mark.parametrize("loss", ["ssd", "ssd, mined", "rpn"])
def test_nor_does_the_best_anchor_of_one_too_small_to_match(measured: Any, loss: str) -> None:
    assert gradient(measured, loss, "objects")["best for the small uncertain"] >= 0
    assert gradient(measured, loss, "objects and uncertain")["best for the small uncertain"] == 0
    if loss != "ssd, mined":
        assert gradient(measured, loss, "objects")["best for the small uncertain"] > 0


@pytest.mark.parametrize("loss", LOSSES)
def test_objects_are_learned_as_without_uncertain_boxes(measured: Any, loss: str) -> None:
    """Also by an anchor that overlaps an uncertain box more than the object."""
    with_uncertain = gradient(measured, loss, "objects and uncertain")
    assert all(with_uncertain[name] < 0 for name in OBJECTS)
    if loss != "rpn":
        without = gradient(measured, loss, "objects")
        assert [with_uncertain[name] for name in OBJECTS] == pytest.approx([without[name] for name in OBJECTS])


@pytest.mark.parametrize("loss", ["ssd", "rpn", "second stage"])
def test_an_anchor_beside_an_uncertain_box_is_background_as_one_beside_an_object_is(measured: Any, loss: str) -> None:
    at = gradient(measured, loss, "objects and uncertain")
    assert at["beside the uncertain"] == pytest.approx(at["empty"])
    assert at["empty"] > 0


def test_uncertain_boxes_allow_the_hard_example_miner_no_more_negatives(measured: Any) -> None:
    for truth in ("objects", "objects and uncertain"):
        values = list(gradient(measured, "ssd, mined", truth).values())
        assert (sum(value < 0 for value in values), sum(value > 0 for value in values)) == (3, 3)


def test_the_second_stage_draws_all_but_what_lies_on_an_uncertain_box(measured: Any) -> None:
    assert measured["sampled"]["objects"]["sampled"] == [True] * len(ANCHORS)
    drawn = dict(zip(ANCHORS, measured["sampled"]["objects and uncertain"]["sampled"], strict=True))
    assert [name for name, is_drawn in drawn.items() if not is_drawn] == ["uncertain"]


@pytest.mark.parametrize(("loss", "share"), [("ssd", 0.25), ("ssd, mined", 0.25), ("second stage", 0.25), ("rpn", 1.0)])
def test_a_weight_scales_what_an_object_teaches(measured: Any, loss: str, share: float) -> None:
    """The RPN's objectness loss knows of a weight only whether it is 0."""
    at = gradient(measured, loss, "objects by score")
    assert at["other object"] / at["object"] == pytest.approx(share)


def test_ssd_divides_by_the_sum_of_the_weights(measured: Any) -> None:
    """Three anchors match: one of weight 1, two of 0.25. What the background teaches grows by 3 / 1.5."""
    before, after = (gradient(measured, "ssd", truth)["empty"] for truth in ("objects", "objects by score"))
    assert after / before == pytest.approx(2)


def test_an_image_without_a_box_teaches_background(measured: Any) -> None:
    for loss in ("ssd", "rpn", "second stage"):
        values = list(gradient(measured, loss, "nothing").values())
        assert np.isfinite(measured[loss]["nothing"]["loss"])
        assert min(values) > 0


def test_unless_a_hard_example_miner_asks_for_no_negatives_there(measured: Any) -> None:
    """min_negatives_per_image is 0 unless a config sets it."""
    assert measured["ssd, mined"]["nothing"]["loss"] == 0
