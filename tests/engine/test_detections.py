"""The rules by which a model's output becomes boxes in pixels."""

import numpy as np
import pytest

from detloop.detections import ImageDetections, detection_rows
from detloop.engine import RawDetections, raw_to_image_detections
from detloop.engine.detections import checked_detections
from detloop.errors import DetloopError
from detloop.labels import LabelMap

LABELS = LabelMap({1: "person", 3: "car"})


def translated(
    boxes: list[list[float]], scores: list[float], ids: list[int], threshold: float = 0.5
) -> ImageDetections:
    raw = RawDetections(np.array([boxes], np.float32), np.array([scores], np.float32), np.array([ids]))
    return raw_to_image_detections(
        raw, 0, filename="a.jpg", width=200, height=100, label_map=LABELS, threshold=threshold
    )


def test_edges_are_scaled_swapped_and_truncated() -> None:
    image = translated([[0.125, 0.25, 0.5, 0.758]], [0.75], [1])
    assert detection_rows(image) == [["a.jpg", 200, 100, "person", "0.750000", 50, 12, 151, 50]]


@pytest.mark.parametrize(
    ("score", "threshold", "is_kept"),
    [
        (0.5, 0.5, False),
        (np.nextafter(np.float32(0.5), np.float32(1)), 0.5, True),
        (np.float32(0.3), 0.3, True),  # the float32 next to 0.3 is larger than 0.3
        (np.float32(0.7), 0.7, False),  # the float32 next to 0.7 is smaller than 0.7
        (0.0, 0.0, False),
    ],
)
def test_a_score_must_be_strictly_above_the_threshold(score: float, threshold: float, is_kept: bool) -> None:
    assert len(translated([[0, 0, 1, 1]], [score], [1], threshold)) == is_kept


def test_ids_that_the_label_map_lacks_are_not_available() -> None:
    image = translated([[0, 0, 1, 1]] * 4, [0.9] * 4, [1, 2, 3, 90])
    assert image.class_names == ["person", "N/A", "car", "N/A"]


def test_an_image_without_any_box_above_the_threshold_has_none() -> None:
    image = translated([[0, 0, 1, 1]], [0.1], [1])
    assert detection_rows(image) == []
    assert image.boxes_px.shape == (0, 4)


def outputs(**changed: object) -> dict[str, object]:
    return {
        "detection_boxes": np.tile(np.array([0.1, 0.1, 0.2, 0.2], np.float32), (2, 3, 1)),
        "detection_scores": np.full((2, 3), 0.9, np.float32),
        "detection_classes": np.ones((2, 3), np.float32),
        "num_detections": np.array([3, 1], np.float32),
        **changed,
    }


def test_rows_beyond_num_detections_score_nothing() -> None:
    raw = checked_detections(outputs(), images=2)
    np.testing.assert_array_equal(raw.scores > 0, [[True, True, True], [True, False, False]])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"detection_scores": np.zeros((2, 4), np.float32)}, "gives detection_boxes [2, 3, 4], detection_classes"),
        ({"detection_boxes": np.zeros((2, 3), np.float32)}, "gives detection_boxes [2, 3] for 2 images"),
        ({"num_detections": np.zeros(1, np.float32)}, "num_detections [1]"),
        ({"detection_classes": np.full((2, 3), "car")}, "detection_classes of <U3"),
        ({"detection_scores": np.full((2, 3), np.nan, np.float32)}, "scores or boxes that are not numbers"),
        ({"detection_boxes": np.full((2, 3, 4), np.inf, np.float32)}, "scores or boxes that are not numbers"),
    ],
)
def test_output_that_is_no_detection_is_described(changed: dict[str, object], message: str) -> None:
    with pytest.raises(DetloopError) as caught:
        checked_detections(outputs(**changed), images=2)
    assert message in str(caught.value)
