"""Thresholds that are chosen: from a labelled sample, or from the scores alone."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from detloop.detections import ImageDetections
from detloop.records import write_records
from detloop.records.best_f_beta import best_f_beta_thresholds
from detloop.records.score_valley import BINS, otsu, valley_thresholds
from tests.drawn import draw_image
from tests.tables import DETECTION_HEADER, row, write_csv

A, B, C, FAR = (10, 10, 50, 50), (60, 10, 100, 50), (10, 60, 50, 100), (200, 200, 240, 240)


def image(name: str, *boxes: tuple[str, float, tuple[int, int, int, int]]) -> ImageDetections:
    return ImageDetections(
        filename=name,
        width=300,
        height=300,
        class_names=[label for label, _, _ in boxes],
        scores=np.array([score for _, score, _ in boxes]),
        boxes_px=np.array([box for _, _, box in boxes], dtype=float).reshape(-1, 4),
    )


def scored(scores: np.ndarray, name: str = "person") -> Iterator[ImageDetections]:
    """One box an image."""
    for number, score in enumerate(scores.tolist()):
        yield image(f"{number}", (name, score, A))


LABELLED = [image("1", ("person", 1, A), ("person", 1, B), ("person", 1, C))]
FOUND = [
    image("1", ("person", 0.9, A), ("person", 0.7, B), ("person", 0.6, FAR), ("person", 0.5, FAR), ("person", 0.4, C)),
    image("not labelled", ("person", 0.95, A)),
]


@pytest.mark.parametrize(
    ("f_beta", "threshold", "f_value"),
    [
        # Above 0.65: 2 of 2 right, 2 of 3 found: P 1, R 2/3; above 0: 3 of 5 right, 3 of 3 found.
        (0.5, 0.65, (1 + 0.25) * (2 / 3) / (0.25 + 2 / 3)),
        (1, 0.65, 0.8),
        (2, 0.2, (1 + 4) * 0.6 / (4 * 0.6 + 1)),
    ],
)
def test_the_best_f_beta_on_the_labelled_images(f_beta: float, threshold: float, f_value: float) -> None:
    (chosen,) = best_f_beta_thresholds(LABELLED, FOUND, ["person"], f_beta)
    assert chosen.threshold == pytest.approx(threshold)
    assert f"best F{f_beta:g}, {f_value:.3f}" in chosen.reason
    assert "3 labelled boxes of 1 images" in chosen.reason


def test_a_box_found_twice_is_right_once() -> None:
    found = [image("1", ("person", 0.9, A), ("person", 0.8, A), ("person", 0.3, B), ("person", 0.2, C))]
    (chosen,) = best_f_beta_thresholds(LABELLED, found, ["person"], 1.0)
    assert "precision 0.750, recall 1.000" in chosen.reason


def test_each_class_has_its_own() -> None:
    labelled = [image("1", ("person", 1, A), ("car", 1, B))]
    found = [image("1", ("person", 0.9, A), ("person", 0.8, FAR), ("car", 0.3, B), ("car", 0.2, FAR))]
    chosen = best_f_beta_thresholds(labelled, found, ["person", "car"], 1.0)
    assert [one.threshold for one in chosen] == [pytest.approx(0.85), pytest.approx(0.25)]


def test_otsu_stands_in_the_middle_between_two_groups() -> None:
    counts = np.zeros(BINS, dtype=int)
    counts[20:30], counts[200:220] = 5, 3
    split = otsu(counts)
    assert split.threshold * BINS == pytest.approx((29 + 200) / 2 + 0.5, abs=1)
    assert split.separability > 0.95


def test_otsu_separates_an_even_spread_by_three_quarters() -> None:
    assert otsu(np.ones(BINS, dtype=int)).separability == pytest.approx(0.75, abs=1e-4)


def two_groups(low: int, high: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.concatenate([rng.uniform(0.05, 0.2, low), rng.uniform(0.8, 1.0, high)])


def test_scores_in_two_groups_are_parted_between_them() -> None:
    (chosen,) = valley_thresholds(scored(two_groups(300, 100)), ["person"])
    assert 0.2 <= chosen.threshold <= 0.8
    assert chosen.reason == "where its 400 scores fall into low and high, by Otsu's method"


@pytest.mark.parametrize(
    ("scores", "why"),
    [
        (np.linspace(0.5, 1, 400), "no box scores below 0.1; detect with a lower threshold"),
        (np.random.default_rng(0).normal(0.5, 0.15, 400), "scores fall into no two groups"),
        (np.full(400, 0.08), "its 400 scores fall into no two groups"),
        (two_groups(10, 10), "all classes have only 20 boxes"),
    ],
)
def test_scores_without_a_valley_keep_the_usual_threshold(scores: np.ndarray, why: str) -> None:
    (chosen,) = valley_thresholds(scored(scores), ["person"])
    assert chosen.threshold == 0.5
    assert why in chosen.reason


def test_a_rare_class_takes_the_threshold_of_all() -> None:
    images = [*scored(two_groups(300, 100)), *scored(np.array([0.9, 0.1]), "cow")]
    person, cow = valley_thresholds(iter(images), ["person", "cow"])
    assert cow.threshold == pytest.approx(person.threshold, abs=0.02)
    assert "since it has only 2 boxes" in cow.reason


def test_the_summary_says_which_and_why(tmp_path: Path) -> None:
    rows, labels = [], []
    for name in "abcd":
        draw_image(tmp_path / "images" / f"{name}.jpg", [(1, 1, 9, 9)], (300, 300))
        for box, score in ((A, 0.9), (FAR, 0.3)):
            rows.append(row(f"{name}.jpg", box, "pedestrian", (300, 300), score))
        labels.append((f"{name}.jpg", 300, 300, "pedestrian", *A))
    header = tuple(name for name in DETECTION_HEADER if name != "score")
    labelled = write_csv(tmp_path / "labels.csv", labels[:2], header)
    summary = write_records(
        detections=write_csv(tmp_path / "detections.csv", rows),
        images=str(tmp_path / "images"),
        output=tmp_path / "out",
        first=2,
        class_map="pedestrian=person",
        choose_thresholds=str(labelled),
    )
    assert summary.boxes == {"train": 2, "valid": 2}
    assert "threshold of person: 0.6 (best F1, 1.000 (precision 1.000, recall 1.000), on 2 labelled" in str(summary)
