"""COCO metrics against cases worked out by hand.

pycocotools' conventions used below: precision is read at 101 recalls 0, 0.01 ... 1 as the best precision at that recall
or a higher one, and AP is the mean over ten IoU thresholds 0.50, 0.55 ... 0.95.
"""

from dataclasses import replace

import numpy as np
import pytest

from detloop.detections import ImageDetections
from detloop.evaluate import CocoMetrics, coco_metrics

Box = tuple[float, float, float, float]
A, B, FAR = (10, 10, 110, 110), (200, 10, 300, 110), (400, 400, 500, 500)


def image(name: str, *boxes: tuple[str, float, Box]) -> ImageDetections:
    return ImageDetections(
        filename=name,
        width=640,
        height=640,
        class_names=[label for label, _, _ in boxes],
        scores=np.array([score for _, score, _ in boxes]),
        boxes_px=np.array([box for _, _, box in boxes], dtype=float).reshape(-1, 4),
    )


def people(name: str, *boxes: Box, score: float = 1.0) -> ImageDetections:
    return image(name, *(("person", score, box) for box in boxes))


def ap(metrics: CocoMetrics) -> tuple[float | None, float | None, float | None]:
    return metrics.stats["AP"], metrics.stats["AP50"], metrics.stats["AP75"]


def test_perfect_detections() -> None:
    truths = [people("1", A, B), people("2", FAR)]
    metrics = coco_metrics(truths, truths)
    assert ap(metrics) == pytest.approx((1, 1, 1))
    assert metrics.stats["AP_small"] is None
    assert metrics.stats["AP_medium"] is None
    assert metrics.stats["AP_large"] == pytest.approx(1)
    assert metrics.stats["AR1"] == pytest.approx(2 / 3)
    assert metrics.stats["AR10"] == metrics.stats["AR100"] == pytest.approx(1)


def test_a_shifted_box_counts_up_to_its_overlap() -> None:
    """Shifted by 20 of 100 pixels, IoU = 80 / 120 = 0.667: found at 0.50, 0.55, 0.60, 0.65 of the ten thresholds."""
    metrics = coco_metrics([people("1", A)], [people("1", (30, 10, 130, 110))])
    assert ap(metrics) == pytest.approx((0.4, 1, 0))
    assert metrics.stats["AR100"] == pytest.approx(0.4)


def test_a_missing_box_halves_the_recall() -> None:
    """Recalls 0, 0.01 ... 0.50 are reached: 51 of 101."""
    metrics = coco_metrics([people("1", A, B)], [people("1", A)])
    assert ap(metrics) == pytest.approx((51 / 101, 51 / 101, 51 / 101))
    assert metrics.stats["AR100"] == pytest.approx(0.5)


@pytest.mark.parametrize(("false_score", "expected"), [(0.9, 0.5), (0.1, 1.0)])
def test_a_false_box_costs_when_it_scores_higher(false_score: float, expected: float) -> None:
    found = image("1", ("person", 0.5, A), ("person", false_score, FAR))
    assert coco_metrics([people("1", A)], [found]).stats["AP"] == pytest.approx(expected)


def test_a_box_found_twice_is_false_once() -> None:
    truths = [people("1", A), people("2", B)]
    found = [image("1", ("person", 0.9, A), ("person", 0.8, A)), image("2", ("person", 0.7, B))]
    assert coco_metrics(truths, found).stats["AP50"] == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_a_box_on_an_image_without_ground_truth_is_false() -> None:
    truths = [people("1", A), people("2")]
    found = [people("1", A, score=0.5), people("2", A, score=0.9)]
    metrics = coco_metrics(truths, found)
    assert metrics.stats["AP"] == pytest.approx(0.5)
    assert metrics.images == 2


def test_a_box_on_an_image_not_measured_is_left_out_and_counted() -> None:
    metrics = coco_metrics([people("1", A)], [people("1", A, score=0.5), people("other", A, B, score=0.9)])
    assert metrics.stats["AP"] == pytest.approx(1)
    assert (metrics.unmeasured_boxes, metrics.unmeasured_images) == (2, 1)
    assert metrics.detected_boxes == 1


def test_the_size_of_the_ground_truth_chooses_the_range() -> None:
    truths = [people("1", (0, 0, 20, 20), (100, 0, 150, 50), (200, 200, 400, 400))]
    stats = coco_metrics(truths, [people("1", (0, 0, 20, 20), (200, 200, 400, 400))]).stats
    assert stats["AP_small"] == pytest.approx(1)
    assert stats["AP_medium"] == 0
    assert stats["AP_large"] == pytest.approx(1)


@pytest.mark.parametrize("found", [[], [people("1")]], ids=["no image", "no box"])
def test_nothing_detected(found: list[ImageDetections]) -> None:
    metrics = coco_metrics([people("1", A)], found)
    assert ap(metrics) == (0, 0, 0)
    assert metrics.stats["AR100"] == 0
    assert metrics.per_class[0].detected_boxes == 0


@pytest.mark.parametrize("truths", [[], [people("1")]], ids=["no image", "no box"])
def test_nothing_labelled(truths: list[ImageDetections]) -> None:
    metrics = coco_metrics(truths, [people("1", A)])
    assert set(metrics.stats.values()) == {None}


def test_classes_are_measured_apart() -> None:
    truths = [image("1", ("person", 1, A), ("car", 1, B))]
    found = [image("1", ("person", 0.9, A), ("person", 0.8, B), ("dog", 0.9, FAR))]
    metrics = coco_metrics(truths, found, ["car", "zebra"])
    by_name = {entry.name: entry for entry in metrics.per_class}
    assert list(by_name) == ["car", "zebra", "dog", "person"]
    assert by_name["person"].ap == pytest.approx(1)
    assert (by_name["car"].ap, by_name["car"].ground_truth_boxes, by_name["car"].detected_boxes) == (0, 1, 0)
    assert (by_name["dog"].ap, by_name["dog"].ap50, by_name["dog"].ar100) == (None, None, None)
    assert (by_name["zebra"].ap, by_name["zebra"].ground_truth_boxes) == (None, 0)
    assert metrics.stats["AP"] == pytest.approx(0.5)
    assert metrics.classes_without_ground_truth == ("dog",)


def test_of_one_class_on_one_image_the_hundred_best_count() -> None:
    false = [("person", 0.9 - number / 1000, (300, 300, 310 + number, 310 + number)) for number in range(100)]
    assert coco_metrics([people("1", A)], [image("1", *false, ("person", 0.1, A))]).stats["AP"] == 0
    assert (coco_metrics([people("1", A)], [image("1", *false[:99], ("person", 0.1, A))]).stats["AP"] or 0) > 0


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    coco_metrics([people("1", A)], [people("1", A)])
    assert capfd.readouterr() == ("", "")


def with_ignored(truth: ImageDetections, *is_ignored: bool) -> ImageDetections:
    return replace(truth, is_ignored=is_ignored)


def test_a_box_to_ignore_is_no_miss() -> None:
    truths = [with_ignored(people("1", A, B), False, True)]
    metrics = coco_metrics(truths, [people("1", A)])
    assert ap(metrics) == pytest.approx((1, 1, 1))
    assert metrics.per_class[0].ground_truth_boxes == 1


def test_finding_a_box_to_ignore_is_not_false() -> None:
    truths = [with_ignored(people("1", A, B), False, True)]
    found = image("1", ("person", 0.5, A), ("person", 0.9, B), ("person", 0.8, B))
    assert ap(coco_metrics(truths, [found])) == pytest.approx((1, 1, 1))
    assert coco_metrics([people("1", A)], [found]).stats["AP"] == pytest.approx(1 / 3)


def test_a_class_with_only_boxes_to_ignore_is_not_measured() -> None:
    truths = [with_ignored(image("1", ("person", 1, A), ("car", 1, B)), False, True)]
    metrics = coco_metrics(truths, [image("1", ("person", 0.9, A), ("car", 0.8, B))])
    assert metrics.stats["AP"] == pytest.approx(1)
    assert [(entry.name, entry.ap) for entry in metrics.per_class] == [("car", None), ("person", pytest.approx(1))]


def test_images_without_any_ground_truth_have_no_metrics() -> None:
    metrics = coco_metrics([people("1"), people("2")], [people("1", A, score=0.9)])
    assert set(metrics.stats.values()) == {None}
    assert (metrics.images, metrics.detected_boxes) == (2, 1)
