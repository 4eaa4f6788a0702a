"""Models of every form on disk, run on real pixels; and what is no model."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from detloop.engine import open_engine
from detloop.errors import DetloopError
from tests.tiny_models import colored_boxes, write_frozen_graph, write_saved_model


def drawn_batch(count: int) -> np.ndarray:
    """Images of 40x30 pixels, each with a red and a blue rectangle of its own place and brightness."""
    images = np.full((count, 30, 40, 3), 16, np.uint8)
    for number, image in enumerate(images):
        image[5 : 12 + number, 3 + number : 20, 0] = 200 + number
        image[20:28, 25 : 30 + number, 2] = 150 - number
    return images


def assert_finds_the_rectangles(model: Path, count: int = 3) -> None:
    images = drawn_batch(count)
    raw = open_engine(model).detect(images)
    assert raw.boxes.shape == (count, 3, 4)
    for index, image in enumerate(images):
        boxes, scores = colored_boxes(image)
        np.testing.assert_array_equal(raw.scores[index], scores)
        np.testing.assert_array_equal(raw.boxes[index][scores > 0], boxes[scores > 0])
        np.testing.assert_array_equal(raw.class_ids[index], [1, 2, 3])


@pytest.mark.parametrize(
    ("stored_as", "given"),
    [
        ("any_name.pb", "any_name.pb"),
        ("frozen_inference_graph.pb", "."),
    ],
)
def test_a_frozen_graph_is_found_by_its_path_and_by_its_folder(
    tmp_path: Path, frozen_graph: Path, stored_as: str, given: str
) -> None:
    shutil.copy(frozen_graph, tmp_path / stored_as)
    assert_finds_the_rectangles(tmp_path / given)


@pytest.mark.parametrize("given", ["exported/saved_model", "exported", "exported/saved_model/saved_model.pb"])
def test_a_saved_model_is_found_by_its_path_its_folder_and_its_file(
    tmp_path: Path, saved_model: Path, given: str
) -> None:
    shutil.copytree(saved_model, tmp_path / "exported" / "saved_model")
    assert_finds_the_rectangles(tmp_path / given)


def test_an_input_of_one_image_says_so_and_of_two_takes_one(tmp_path: Path) -> None:
    one = write_saved_model(tmp_path / "one", batch_size=1)
    assert open_engine(one).max_batch_size == 1
    assert_finds_the_rectangles(one, count=1)
    two = write_saved_model(tmp_path / "two", batch_size=2)
    assert_finds_the_rectangles(two, count=1)


def text_file(folder: Path) -> Path:
    (folder / "model.pb").write_text("not a graph")
    return folder / "model.pb"


def truncated_graph(folder: Path) -> Path:
    data = write_frozen_graph(folder / "whole.pb").read_bytes()
    (folder / "half.pb").write_bytes(data[: len(data) // 2])
    return folder / "half.pb"


def empty_file(folder: Path) -> Path:
    (folder / "model.pb").touch()
    return folder / "model.pb"


def folder_of_other_things(folder: Path) -> Path:
    (folder / "notes.txt").touch()
    return folder


def checkpoints(folder: Path) -> Path:
    for name in ("ckpt-3.index", "ckpt-3.data-00000-of-00001"):
        (folder / name).touch()
    return folder


def damaged_saved_model(folder: Path) -> Path:
    (folder / "saved_model.pb").write_bytes(b"\x07nothing")
    return folder


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "missing.pb", "missing.pb: no such model"),
        (text_file, "model.pb: not a frozen graph"),
        (truncated_graph, "half.pb: not a frozen graph"),
        (empty_file, "model.pb: not a frozen graph"),
        (folder_of_other_things, "holds neither frozen_inference_graph.pb nor a SavedModel; it has notes.txt"),
        (checkpoints, "holds checkpoints, not a model; export it first"),
        (damaged_saved_model, "not a SavedModel that TensorFlow can load"),
        (
            lambda folder: write_frozen_graph(folder / "g.pb", without="detection_scores"),
            "g.pb: lacks detection_scores:0; it has the inputs image_tensor and the outputs",
        ),
        (
            lambda folder: write_saved_model(folder / "s", without="num_detections"),
            "lacks num_detections; it has the inputs input_tensor and the outputs detection_boxes, detection_classes,"
            " detection_scores",
        ),
    ],
)
def test_what_is_no_detector_is_named_in_one_line(tmp_path: Path, make: Callable[[Path], Path], message: str) -> None:
    with pytest.raises(DetloopError) as caught:
        open_engine(make(tmp_path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_engine_is_refused(frozen_graph: Path) -> None:
    with pytest.raises(DetloopError, match="no engine 'abacus'; there are auto, tensorflow"):
        open_engine(frozen_graph, "abacus")
