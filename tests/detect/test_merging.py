"""How the boxes of several views become one an object."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from detloop.detect.merging import MergeOptions, ScoredBoxes, fuse, merge_detections, suppress
from detloop.detect.views import View, ViewOptions
from detloop.detections import ImageDetections
from detloop.errors import DetloopError
from detloop.iou import box_iou

BOX, NEAR, FAR = [0.0, 0, 100, 100], [0.0, 0, 100, 80], [200.0, 0, 300, 100]
"""The IoU of the first two is 0.8."""

IMAGE_WH = (400, 100)
FRAME, MIRRORED = View(0, 0, 400, 100), View(0, 0, 400, 100, is_mirrored=True)
LEFT, RIGHT = View(0, 0, 220, 100), View(180, 0, 220, 100)


def found(*boxes: tuple[str, float, list[float]]) -> ImageDetections:
    return ImageDetections(
        filename="a.jpg",
        width=IMAGE_WH[0],
        height=IMAGE_WH[1],
        class_names=[name for name, _, _ in boxes],
        scores=np.array([score for _, score, _ in boxes], float),
        boxes_px=np.array([box for _, _, box in boxes], float).reshape(-1, 4),
    )


def rows(image: ImageDetections) -> list[tuple[str, float, list[float]]]:
    return list(zip(image.class_names, image.scores.tolist(), image.boxes_px.tolist(), strict=True))


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
        # the edges' mean weighted by the scores; the scores' mean over the views that show the box, found there or not
        (
            [(("car", 0.6, NEAR), ("car", 0.5, FAR)), (("car", 0.9, BOX),)],
            {"merge": "wbf"},
            [("car", 0.75, [0, 0, 100, 92]), ("car", 0.25, FAR)],
        ),
        (
            [(("car", 0.9, BOX), ("car", 0.6, NEAR)), (("car", 0.3, BOX),)],
            {"merge": "wbf"},
            [("car", 0.6, [0, 0, 100, 100 - 20 / 3])],
        ),
        ([(("car", 0.9, BOX),), (("van", 0.8, BOX),)], {"merge": "wbf"}, [("car", 0.45, BOX), ("van", 0.4, BOX)]),
        ([(("car", 0.9, BOX),), (("van", 0.8, BOX),)], {"merge": "wbf", "cross_class_iou": 0.5}, [("car", 0.45, BOX)]),
        ([(), ()], {"merge": "wbf"}, []),
        (
            [(("car", 0.9, BOX),), (("car", 0.8, NEAR),)],
            {"merge": "wbf", "merge_iou": 0.81},
            [("car", 0.45, BOX), ("car", 0.4, NEAR)],
        ),
        # a fused box that no longer scores above the threshold is none
        ([(("car", 0.3, BOX),), ()], {"merge": "wbf"}, []),
    ],
)
@pytest.mark.parametrize("merge", ["finest", "nms"])
def test_boxes_of_views_become_one_an_object(
    merge: str,
    views: list[tuple[tuple[str, float, list[float]], ...]],
    options: dict[str, object],
    expected: list[object],
) -> None:
    of_views = {view: found(*boxes) for view, boxes in zip((FRAME, MIRRORED), views, strict=False)}
    merged = merge_detections(of_views, MergeOptions(**{"merge": merge, **options}), 0.2)  # type: ignore[arg-type]
    assert (merged.filename, merged.width, merged.height) == ("a.jpg", *IMAGE_WH)
    assert merged.boxes_px.shape == (len(expected), 4)
    assert rows(merged) == [(name, pytest.approx(score), pytest.approx(box)) for name, score, box in expected]


SHIFTED = [60.0, 0, 160, 100]
"""Its IoU with BOX is 0.25, with FAR 0."""


@pytest.mark.parametrize(
    ("merge", "of_frame", "of_left", "expected"),
    [
        # the smaller window's box stays, whatever the larger one's scores
        ("finest", [("car", 0.9, NEAR)], [("car", 0.4, BOX)], [("car", 0.4, BOX)]),
        ("nms", [("car", 0.9, NEAR)], [("car", 0.4, BOX)], [("car", 0.9, NEAR)]),
        # what a smaller window does not have is the larger one's
        ("finest", [("car", 0.9, FAR)], [("car", 0.4, BOX)], [("car", 0.9, FAR), ("car", 0.4, BOX)]),
        ("finest", [("van", 0.9, NEAR)], [("car", 0.4, BOX)], [("van", 0.9, NEAR), ("car", 0.4, BOX)]),
        # a larger window's box is the same object already where it overlaps by 0.3, or by less if so asked
        ("finest", [("car", 0.9, [50.0, 0, 150, 100])], [("car", 0.4, BOX)], [("car", 0.4, BOX)]),
        ("finest", [("car", 0.9, SHIFTED)], [("car", 0.4, BOX)], [("car", 0.9, SHIFTED), ("car", 0.4, BOX)]),
        (
            "nms",
            [("car", 0.9, [50.0, 0, 150, 100])],
            [("car", 0.4, BOX)],
            [("car", 0.9, [50, 0, 150, 100]), ("car", 0.4, BOX)],
        ),
        # the right window cuts the box or does not show it: two views of three could have found it
        ("wbf", [("car", 0.8, BOX)], [("car", 0.4, BOX)], [("car", 0.6, BOX)]),
        ("wbf", [("car", 0.8, [150.0, 0, 200, 100])], [], [("car", 0.4, [150, 0, 200, 100])]),
        # neither the left window nor the right one shows it whole
        ("wbf", [("car", 0.8, [150.0, 0, 250, 100])], [], [("car", 0.8, [150, 0, 250, 100])]),
    ],
)
def test_boxes_of_smaller_windows(
    merge: str,
    of_frame: list[tuple[str, float, list[float]]],
    of_left: list[tuple[str, float, list[float]]],
    expected: list[object],
) -> None:
    of_views = {FRAME: found(*of_frame), LEFT: found(*of_left), RIGHT: found()}
    merged = merge_detections(of_views, MergeOptions(merge), 0.2)
    assert rows(merged) == [(name, pytest.approx(score), pytest.approx(box)) for name, score, box in expected]


def test_a_fusion_takes_boxes_below_the_threshold_from_views_alone() -> None:
    several = ViewOptions(flip=True)
    assert MergeOptions("wbf").least_score(several, 0.5) == 0.1
    assert MergeOptions("wbf").least_score(several, 0.05) == 0.05
    assert MergeOptions("wbf").least_score(ViewOptions(), 0.5) == 0.5
    assert MergeOptions("finest").least_score(several, 0.5) == 0.5


def test_a_box_joins_the_fused_box_that_it_overlaps_most() -> None:
    boxes_px = np.array([[0.0, 0, 10, 10], [6.0, 0, 16, 10], [4.0, 0, 14, 10]])
    fused = fuse(ScoredBoxes(boxes_px, np.array([0.9, 0.8, 0.4]), np.zeros(3, int)), 0.4, [FRAME], IMAGE_WH)
    assert fused.scores.tolist() == pytest.approx([0.9, 0.6])
    np.testing.assert_allclose(fused.boxes_px, [[0, 0, 10, 10], [16 / 3, 0, 46 / 3, 10]])


BOXES = st.lists(
    st.tuples(
        *(st.integers(0, 40), st.integers(0, 40), st.integers(1, 30), st.integers(1, 30)),
        *(st.integers(1, 100), st.integers(0, 2), st.sampled_from([100, 400])),
    ),
    max_size=25,
)


def boxes_and_areas(drawn: list[tuple[int, ...]], step_px: int = 0) -> tuple[ScoredBoxes, np.ndarray]:
    values = np.array(drawn, float).reshape(-1, 7)
    corners = values[:, :2] + step_px * np.arange(len(values))[:, np.newaxis]
    boxes_px = np.hstack([corners, corners + values[:, 2:4]])
    return ScoredBoxes(boxes_px, values[:, 4], values[:, 5].astype(int)), values[:, 6]


@given(drawn=BOXES, iou=st.floats(0.1, 0.9))
def test_what_is_suppressed_overlaps_one_that_is_kept_and_goes_first(drawn: list[tuple[int, ...]], iou: float) -> None:
    boxes, areas = boxes_and_areas(drawn)
    kept = suppress(boxes, iou, areas)
    assert kept.scores.tolist() == sorted(kept.scores, reverse=True)
    ious = box_iou(kept.boxes_px, boxes.boxes_px)
    for index in range(len(drawn)):
        same_class = (kept.class_ids == boxes.class_ids[index]) & (ious[:, index] > min(iou, 0.3))
        assert same_class.any()
    same_class_ious = box_iou(kept.boxes_px, kept.boxes_px) * (kept.class_ids[:, np.newaxis] == kept.class_ids)
    np.fill_diagonal(same_class_ious, 0)
    assert (same_class_ious <= iou).all()


@given(drawn=BOXES)
@example(drawn=[(0, 0, 1, 1, 50, 0, 100), (0, 0, 1, 1, 50, 0, 99)])
def test_boxes_that_do_not_overlap_are_left_alone(drawn: list[tuple[int, ...]]) -> None:
    boxes, areas = boxes_and_areas(drawn, step_px=100)
    order = np.argsort(-boxes.scores, kind="stable")
    everywhere = View(0, 0, 10_000, 10_000)
    for merged in (suppress(boxes, 0.5, areas), fuse(boxes, 0.5, [everywhere], (10_000, 10_000))):
        np.testing.assert_allclose(merged.boxes_px, boxes.boxes_px[order])
        assert merged.scores.tolist() == boxes.scores[order].tolist()
        assert merged.class_ids.tolist() == boxes.class_ids[order].tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"merge": "soft"}, "--merge soft: there are finest, nms, wbf"),
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
