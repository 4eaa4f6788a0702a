"""What is counted of a data set: in parts, in any order, in constant memory; and which images are the least certain."""

import pickle
import random
from dataclasses import fields, replace

import numpy as np
import pytest

from detloop.records.report import DatasetStatistics, ScoreRules
from tests.records.report.gathered import Labelled, gathered

BOX = (10, 8, 50, 40)


def random_images(count: int, seed: int = 0) -> list[Labelled]:
    """Images of three sizes with 0 to 5 boxes of two classes, of which every third validates."""
    rng = random.Random(seed)  # noqa: S311
    images = []
    for number in range(count):
        width, height = size_wh = rng.choice([(96, 64), (640, 480), (300, 500)])
        boxes = []
        for _ in range(rng.randrange(6)):
            xmin, ymin = rng.uniform(0, width - 9), rng.uniform(0, height - 9)
            edges = (xmin, ymin, rng.uniform(xmin + 1, width), rng.uniform(ymin + 1, height))
            boxes.append((rng.choice(["person", "car"]), rng.uniform(0.2, 1), edges))
        images.append(Labelled(f"{number:05d}.jpg", boxes, "valid" if number % 3 == 0 else "train", size_wh))
    return images


def everything(statistics: DatasetStatistics) -> tuple[object, ...]:
    counts = {field.name: getattr(statistics.counts, field.name).tolist() for field in fields(statistics.counts)}
    return counts, statistics.sizes_wh, [(image.filename, image.doubt) for image in statistics.least_certain()]


def test_parts_gathered_in_any_order_and_process_give_what_the_whole_gives() -> None:
    rules, classes = ScoreRules({"person": 0.5}, ignore_from=0.3), ("person", "car")
    images = random_images(1500)
    whole = gathered(images, classes, rules)
    parts = [gathered(images[start::4], classes, rules) for start in (2, 0, 3, 1)]
    merged = DatasetStatistics(classes, rules)
    for part in parts:
        merged.merge(pickle.loads(pickle.dumps(part)))  # noqa: S301
    assert everything(merged) == everything(whole)
    assert len(whole.least_certain()) == 24


def test_every_image_and_box_is_counted_once() -> None:
    images = random_images(1100)
    counts = gathered(images, ("person", "car")).counts
    boxes = [(image, name) for image in images for name, _, _ in image.boxes]
    assert counts.images.tolist() == [sum(image.side == side for image in images) for side in ("train", "valid")]
    assert counts.boxes.tolist() == [
        [sum(image.side == side and name == wanted for image, name in boxes) for wanted in ("person", "car")]
        for side in ("train", "valid")
    ]
    assert counts.negatives.sum() == sum(not image.boxes for image in images)
    assert counts.images_with[:, 0].sum() == len({image.filename for image, name in boxes if name == "person"})
    for name in ("sizes_px", "sizes_share", "aspects", "shapes_px", "scores"):
        assert getattr(counts, name).sum() == len(boxes), name
    assert counts.boxes_per_image.sum(axis=0)[:6].tolist() == [
        sum(len(image.boxes) == number for image in images) for number in range(6)
    ]


def test_a_box_lies_in_the_bins_of_its_size_shape_place_and_score() -> None:
    image = Labelled("a.jpg", [("person", 0.58, (0, 16, 32, 32))], size_wh=(128, 64))
    counts = gathered([image]).counts
    assert np.flatnonzero(counts.scores[0]).tolist() == [29], "0.58 to 0.60 of fifty bins"
    assert np.flatnonzero(counts.sizes_px[0]).tolist() == [4 * 4 + 2], "the root of 32 x 16 is 2^4.5"
    assert np.flatnonzero(counts.sizes_share[0]).tolist() == [4 * (10 - 2)], "a quarter of the image's side"
    assert np.flatnonzero(counts.aspects[0]).tolist() == [4 * (4 + 1)], "2:1"
    covering = counts.cover.cumsum(axis=0).cumsum(axis=1)
    assert np.argwhere(covering).min(axis=0).tolist() == [12, 0]
    assert np.argwhere(covering).max(axis=0).tolist() == [23, 11]
    assert set(covering[12:24, 0:12].flat) == {1}


def test_values_beyond_the_bins_are_counted_at_their_ends() -> None:
    image = Labelled(
        "a.png", [("person", 1.7, (0, 0, 20000, 1)), ("person", -0.2, (0, 0, 0.01, 0.01))], size_wh=(20000, 20000)
    )
    counts = gathered([image]).counts
    assert np.flatnonzero(counts.scores[0]).tolist() == [0, 49]
    assert np.flatnonzero(counts.aspects[0]).tolist() == [16, 31]
    assert counts.sizes_px.sum() == counts.sizes_share.sum() == counts.shapes_px.sum() == 2


def test_boxes_not_above_their_threshold_are_counted_as_ignored_alone() -> None:
    boxes = [("person", score, BOX) for score in (0.4, 0.5, 0.51)] + [("car", 0.1, BOX)]
    counts = gathered([Labelled("a.jpg", boxes)], ("person", "car"), ScoreRules({"person": 0.5})).counts
    assert counts.ignored.tolist() == [2, 0]
    assert counts.boxes.tolist() == [[1, 1], [0, 0]]
    assert counts.sizes_px.sum() == 2
    assert counts.scores.sum(axis=1).tolist() == [3, 1]


@pytest.mark.parametrize(
    ("least", "more"),
    [
        ([0.55], [0.95]),
        ([0.55], [0.7, 0.95]),
        ([0.4], [0.55]),
        ([0.55, 0.55], [0.51]),
    ],
    ids=["near the threshold", "one near it, not two far from it", "in the band below", "two, not one"],
)
def test_the_least_certain_comes_first(least: list[float], more: list[float]) -> None:
    images = [
        Labelled(f"{scores}.jpg", [("person", score, BOX) for score in scores]) for scores in (more, least, [1.0])
    ]
    statistics = gathered(images, rules=ScoreRules({"person": 0.5}, ignore_from=0.3))
    assert [image.filename for image in statistics.least_certain()] == [f"{least}.jpg", f"{more}.jpg", "[1.0].jpg"]


def test_a_class_is_judged_by_its_own_threshold() -> None:
    images = [Labelled(f"{name}.jpg", [(name, 0.65, BOX)]) for name in ("car", "dog", "person")]
    rules = ScoreRules({"person": 0.6, "car": 0.3})
    least_certain = gathered(images, ("person", "car", "dog"), rules).least_certain()
    assert [image.filename for image in least_certain] == ["person.jpg", "car.jpg", "dog.jpg"]
    assert [image.doubt for image in least_certain] == pytest.approx([(0.35 / 0.4) ** 2, (0.35 / 0.7) ** 2, 0.35**2])


def test_of_labels_that_are_all_certain_some_are_chosen_by_chance() -> None:
    images = [Labelled(f"{number:04d}.jpg", [("person", 1.0, BOX)]) for number in range(1000)]
    chosen = [image.filename for image in gathered(images).least_certain()]
    assert len(set(chosen)) == 24
    assert chosen == [image.filename for image in gathered(images[::-1]).least_certain()]
    quarters = {int(name[:4]) // 250 for name in chosen}
    assert quarters == {0, 1, 2, 3}


def test_an_image_without_labels_is_never_among_them() -> None:
    images = [Labelled("a.jpg", []), Labelled("b.jpg", [("person", 1.0, BOX)])]
    assert [image.filename for image in gathered(images).least_certain()] == ["b.jpg"]


def test_what_is_kept_does_not_grow_with_the_images() -> None:
    """Pickled, the statistics of ten times as many images are as large, but for the digits of their numbers."""
    few, many = (random_images(count, seed=1) for count in (2_000, 20_000))
    sizes = []
    for images in (few, many):
        statistics = gathered(images, ("person", "car"))
        assert statistics.counts.images.sum() == len(images)
        sizes.append(len(pickle.dumps(statistics)))
    assert sizes[1] < 1.1 * sizes[0]


def test_the_smallest_and_the_largest_image_are_known() -> None:
    images = [replace(image, size_wh=size) for image, size in zip(random_images(3), [(50, 90), (7, 9), (640, 4)])]  # noqa: B905
    cut = [replace(image, boxes=[]) for image in images]
    assert gathered(cut).sizes_wh == ((7, 9), (50, 90))


def test_of_images_of_one_area_the_narrower_is_the_smaller_whatever_comes_first() -> None:
    images = [Labelled("a.jpg", [], size_wh=(96, 64)), Labelled("b.jpg", [], size_wh=(64, 96))]
    for ordered in (images, images[::-1]):
        assert gathered(ordered).sizes_wh == ((64, 96), (96, 64))
