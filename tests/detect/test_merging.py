"""How the boxes of several views become one an object."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detloop.detect.merging import (
    MergeOptions,
    fuse_overlapping,
    iou_of,
    kept_by_suppression,
    merge_detections,
    suppress_overlapping,
)
from detloop.detections import ImageDetections
from detloop.errors import DetloopError

BOX, NEAR, FAR = [0.0, 0, 100, 100], [0.0, 0, 100, 80], [200.0, 0, 300, 100]
"""The IoU of the first two is 0.8."""


def found(*boxes: tuple[str, float, list[float]]) -> ImageDetections:
    return ImageDetections(
        filename="a.jpg",
        width=400,
        height=100,
        class_names=[name for name, _, _ in boxes],
        scores=np.array([score for _, score, _ in boxes], float),
        boxes_px=np.array([box for _, _, box in boxes], float).reshape(-1, 4),
    )


def rows(image: ImageDetections) -> list[tuple[str, float, list[float]]]:
    return list(zip(image.class_names, image.scores.tolist(), image.boxes_px.tolist(), strict=True))


@pytest.mark.parametrize(
    ("box", "other", "expected"),
    [
        (BOX, BOX, 1.0),
        (BOX, NEAR, 0.8),
        (BOX, FAR, 0.0),
        (BOX, [100.0, 0, 200, 100], 0.0),  # they touch
        ([0.0, 0, 2, 2], [1.0, 1, 3, 3], 1 / 7),
        ([5.0, 5, 5, 5], [5.0, 5, 5, 5], 0.0),  # no area
        ([5.0, 5, 5, 5], BOX, 0.0),
    ],
)
def test_intersection_over_union(box: list[float], other: list[float], expected: float) -> None:
    assert iou_of(np.array([box]), np.array([other])).tolist() == [[pytest.approx(expected)]]


@pytest.mark.parametrize(
    ("views", "options", "expected"),
    [
        ([(), ()], {}, []),
        ([(("car", 0.9, BOX),), ()], {}, [("car", 0.9, BOX)]),
        ([(("car", 0.8, BOX),), (("car", 0.9, NEAR),)], {}, [("car", 0.9, NEAR)]),
        ([(("car", 0.8, FAR),), (("car", 0.9, BOX),)], {}, [("car", 0.9, BOX), ("car", 0.8, FAR)]),
        # above the IoU, not at it
        ([(("car", 0.9, BOX),), (("car", 0.8, NEAR),)], {"merge_iou": 0.8}, [("car", 0.9, BOX), ("car", 0.8, NEAR)]),
        # equal scores: the earlier view's
        ([(("car", 0.9, NEAR),), (("car", 0.9, BOX),)], {}, [("car", 0.9, NEAR)]),
        # a box that is itself suppressed suppresses none
        (
            [(("car", 0.9, [0.0, 0, 10, 10]),), (("car", 0.8, [3.0, 0, 13, 10]), ("car", 0.7, [6.0, 0, 16, 10]))],
            {},
            [("car", 0.9, [0, 0, 10, 10]), ("car", 0.7, [6, 0, 16, 10])],
        ),
        # classes are merged apart, unless asked
        ([(("car", 0.9, BOX),), (("van", 0.8, BOX),)], {}, [("car", 0.9, BOX), ("van", 0.8, BOX)]),
        ([(("car", 0.8, BOX),), (("van", 0.9, NEAR),)], {"cross_class_iou": 0.7}, [("van", 0.9, NEAR)]),
        (
            [(("car", 0.9, BOX),), (("van", 0.8, NEAR),)],
            {"cross_class_iou": 0.8},
            [("car", 0.9, BOX), ("van", 0.8, NEAR)],
        ),
        # what one view gave is as the model gave it, but for two names of one object
        ([(("car", 0.6, BOX), ("car", 0.9, NEAR))], {}, [("car", 0.6, BOX), ("car", 0.9, NEAR)]),
        (
            [(("car", 0.6, BOX), ("van", 0.9, BOX), ("van", 0.5, NEAR))],
            {"cross_class_iou": 0.7},
            [("van", 0.9, BOX), ("van", 0.5, NEAR)],
        ),
        # the edges' mean, weighted by the scores
        (
            [(("car", 0.6, NEAR), ("car", 0.5, FAR)), (("car", 0.9, BOX),)],
            {"merge": "wbf"},
            [("car", 0.9, [0, 0, 100, 92]), ("car", 0.5, FAR)],
        ),
        ([(("car", 0.9, BOX),), (("van", 0.8, BOX),)], {"merge": "wbf"}, [("car", 0.9, BOX), ("van", 0.8, BOX)]),
        ([(("car", 0.9, BOX),), (("van", 0.8, BOX),)], {"merge": "wbf", "cross_class_iou": 0.5}, [("car", 0.9, BOX)]),
        ([(), ()], {"merge": "wbf"}, []),
        (
            [(("car", 0.9, BOX),), (("car", 0.8, NEAR),)],
            {"merge": "wbf", "merge_iou": 0.81},
            [("car", 0.9, BOX), ("car", 0.8, NEAR)],
        ),
    ],
)
def test_boxes_of_views_become_one_an_object(
    views: list[tuple[tuple[str, float, list[float]], ...]], options: dict[str, object], expected: list[object]
) -> None:
    merged = merge_detections([found(*boxes) for boxes in views], MergeOptions(**options))  # type: ignore[arg-type]
    assert (merged.filename, merged.width, merged.height) == ("a.jpg", 400, 100)
    assert merged.boxes_px.shape == (len(expected), 4)
    assert rows(merged) == [(name, score, pytest.approx(box)) for name, score, box in expected]


def test_a_box_joins_the_fused_box_that_it_overlaps_most() -> None:
    boxes_px = np.array([[0.0, 0, 10, 10], [6.0, 0, 16, 10], [4.0, 0, 14, 10]])
    scores, class_ids = np.array([0.9, 0.8, 0.4]), np.zeros(3, int)
    fused_px, fused_scores, _ = fuse_overlapping(boxes_px, scores, class_ids, 0.4)
    assert fused_scores.tolist() == [0.9, 0.8]
    np.testing.assert_allclose(fused_px, [[0, 0, 10, 10], [16 / 3, 0, 46 / 3, 10]])


BOXES = st.lists(
    st.tuples(
        *(st.integers(0, 40), st.integers(0, 40), st.integers(1, 30), st.integers(1, 30)),
        *(st.integers(1, 100), st.integers(0, 2)),
    ),
    max_size=25,
)


@given(boxes=BOXES, iou=st.floats(0.1, 0.9))
def test_of_boxes_that_overlap_one_is_kept_and_it_is_no_worse(boxes: list[tuple[int, ...]], iou: float) -> None:
    values = np.array(boxes, float).reshape(-1, 6)
    boxes_px, scores, class_ids = np.hstack([values[:, :2], values[:, :2] + values[:, 2:4]]), values[:, 4], values[:, 5]
    kept = kept_by_suppression(boxes_px, scores, class_ids, iou)
    ious = iou_of(boxes_px, boxes_px)
    for index in range(len(boxes)):
        rivals = [k for k in kept if k != index and class_ids[k] == class_ids[index] and ious[k, index] > iou]
        assert (index in kept) == (not rivals)
        assert index in kept or max(scores[rivals]) >= scores[index]
    assert scores[kept].tolist() == sorted(scores[kept], reverse=True)


@given(boxes=BOXES)
def test_both_ways_leave_alone_what_does_not_overlap(boxes: list[tuple[int, ...]]) -> None:
    values = np.array(boxes, float).reshape(-1, 6)
    apart = values[:, :2] + 100 * np.arange(len(values))[:, np.newaxis]
    boxes_px = np.hstack([apart, apart + values[:, 2:4]])
    for merge in (suppress_overlapping, fuse_overlapping):
        merged_px, scores, class_ids = merge(boxes_px, values[:, 4], values[:, 5], 0.5)
        order = np.argsort(-values[:, 4], kind="stable")
        np.testing.assert_allclose(merged_px, boxes_px[order])
        assert scores.tolist() == values[order, 4].tolist()
        assert class_ids.tolist() == values[order, 5].tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"merge": "soft"}, "--merge soft: there are nms, wbf"),
        ({"merge_iou": 0.0}, "--merge-iou 0: must be an IoU above 0 and not above 1"),
        ({"merge_iou": 1.1}, "--merge-iou 1.1: must be"),
        ({"cross_class_iou": -1.0}, "--cross-class-iou -1: must be"),
        ({"cross_class_iou": float("nan")}, "--cross-class-iou nan: must be"),
    ],
)
def test_options_that_make_no_sense_are_errors(options: dict[str, object], message: str) -> None:
    with pytest.raises(DetloopError) as caught:
        MergeOptions(**options)  # type: ignore[arg-type]
    assert str(caught.value).startswith(message)
