"""What a score makes of a box, and what of it is in the records."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detloop.errors import DetloopError
from detloop.records import write_records
from detloop.records.thresholds import ClassThreshold, parse_thresholds
from detloop.records.trust import Trust
from tests.drawn import draw_image
from tests.records.read_back import all_examples, read_split, values
from tests.tables import DETECTION_HEADER, row, write_csv

BOX, OTHER, THIRD = (10, 8, 50, 40), (1, 1, 9, 9), (50, 40, 90, 60)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name in "abcd":
        draw_image(tmp_path / "images" / f"{name}.jpg", [BOX])
    return tmp_path / "images"


SURE = [row(f"{name}.jpg", BOX, score=0.95) for name in "abcd"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.5", {"person": 0.5, "car": 0.5}),
        ("person=0.6,car=0.4", {"person": 0.6, "car": 0.4}),
        ("0.5, person=0.6", {"person": 0.6, "car": 0.5}),
        ("car=0,0.7", {"person": 0.7, "car": 0.0}),
    ],
)
def test_thresholds_are_given_for_all_or_by_class(text: str, expected: dict[str, float]) -> None:
    read = parse_thresholds(text, ["person", "car"])
    assert {one.class_name: one.threshold for one in read} == expected


def test_a_class_may_hold_an_equals_sign() -> None:
    assert parse_thresholds("a=b=0.3", ["a=b"])[0].threshold == 0.3


@given(score=st.floats(0, 1), threshold=st.floats(0.01, 0.99), ignore_from=st.floats(0, 0.99))
def test_a_box_is_an_object_above_the_threshold_and_ignored_in_the_band(
    score: float, threshold: float, ignore_from: float
) -> None:
    trust = Trust((ClassThreshold("person", threshold, ""),), ignore_from)
    is_object, is_ignored = trust.judge(["person", "car"], np.array([score, score]))
    assert is_object.tolist() == [score > threshold, True]
    assert is_ignored.tolist() == [ignore_from <= score <= threshold, False]


def test_boxes_of_low_score_are_left_out_by_class(tmp_path: Path, images: Path) -> None:
    rows = [
        *SURE,
        row("a.jpg", OTHER, "car", score=0.45),
        row("a.jpg", THIRD, "person", score=0.6),
        row("b.jpg", OTHER, "car", score=0.4),
    ]
    table = write_csv(tmp_path / "detections.csv", rows)
    summary = write_records(
        detections=table, images=str(images), output=tmp_path / "out", first=2, threshold="person=0.6,car=0.4"
    )
    examples = all_examples(tmp_path / "out")
    assert values(examples["a.jpg"], "image/object/class/text") == [b"person", b"car"]
    assert values(examples["b.jpg"], "image/object/class/text") == [b"person"]
    assert summary.distrusted_boxes == {"person": 1, "car": 1}
    assert "left out boxes of low score: car (1), person (1)" in str(summary)
    assert "threshold of car: 0.4 (as given)" in str(summary)
    assert "image/object/weight" not in examples["a.jpg"].features.feature


def test_the_uncertain_weigh_nothing_and_are_crowds_after_the_objects(tmp_path: Path, images: Path) -> None:
    rows = [
        row("a.jpg", OTHER, score=0.3),
        row("a.jpg", THIRD, score=0.2),
        *SURE[:1],
        row("b.jpg", BOX, score=0.25),
        *SURE[2:],
    ]
    table = write_csv(tmp_path / "detections.csv", rows)
    summary = write_records(
        detections=table,
        images=str(images),
        output=tmp_path / "out",
        first=2,
        threshold="0.5",
        ignore_from=0.25,
    )
    examples = all_examples(tmp_path / "out")
    assert sorted(examples) == ["a.jpg", "c.jpg", "d.jpg"]
    assert values(examples["a.jpg"], "image/object/weight") == [1, 0]
    assert values(examples["a.jpg"], "image/object/is_crowd") == [0, 1]
    assert values(examples["a.jpg"], "image/object/bbox/xmin") == pytest.approx([10 / 96, 1 / 96])
    assert values(examples["c.jpg"], "image/object/weight") == [1]
    assert (summary.ignored_boxes, summary.distrusted_boxes) == ({"person": 1}, {"person": 1})
    assert (summary.only_uncertain, summary.without_boxes, summary.boxes["train"]) == (1, 0, 1)
    assert "1 images with uncertain boxes only" in str(summary)
    assert read_split(tmp_path / "out")[0]["boxes"] == "1"


def test_a_band_without_a_box_is_told(tmp_path: Path, images: Path) -> None:
    table = write_csv(tmp_path / "detections.csv", SURE)
    options = {"images": str(images), "output": tmp_path / "out", "first": 2, "threshold": "0.5"}
    summary = write_records(detections=table, **options, ignore_from=0.25)
    assert "warning: no box to ignore; detect with a threshold below 0.25" in str(summary)
    assert "warning" not in str(write_records(detections=table, **options))


def test_an_image_with_only_uncertain_boxes_is_no_negative(tmp_path: Path, images: Path) -> None:
    rows = [SURE[0], row("b.jpg", BOX, score=0.3), row("c.jpg", BOX, score=0.1), SURE[3]]
    table = write_csv(tmp_path / "detections.csv", rows)
    write_csv(tmp_path / "images.csv", [], ("filename", "width", "height", "detections", "error"))
    summary = write_records(
        detections=table,
        images=str(images),
        output=tmp_path / "out",
        first=2,
        threshold="0.5",
        ignore_from=0.25,
        keep_negatives=True,
    )
    assert sorted(all_examples(tmp_path / "out")) == ["a.jpg", "c.jpg", "d.jpg"]
    assert (summary.negatives, summary.only_uncertain) == (1, 1)


def test_a_score_is_its_objects_weight(tmp_path: Path, images: Path) -> None:
    rows = [row("a.jpg", OTHER, score=0.75), *SURE]
    table = write_csv(tmp_path / "detections.csv", sorted(rows, key=str))
    write_records(detections=table, images=str(images), output=tmp_path / "out", first=2, score_weights=True)
    weights = values(all_examples(tmp_path / "out")["a.jpg"], "image/object/weight")
    assert sorted(weights) == pytest.approx([0.75, 0.95])


def test_human_labels_count_as_certain(tmp_path: Path, images: Path) -> None:
    header = tuple(name for name in DETECTION_HEADER if name != "score")
    rows = [(*entry[:4], *entry[5:]) for entry in SURE]
    table = write_csv(tmp_path / "labels.csv", rows, header)
    write_records(
        detections=table,
        images=str(images),
        output=tmp_path / "out",
        first=2,
        threshold="0.99",
        ignore_from=0.5,
        score_weights=True,
    )
    for example in all_examples(tmp_path / "out").values():
        assert values(example, "image/object/weight") == [1]


@pytest.mark.parametrize("score", [0, 87])
def test_a_score_that_is_no_weight(tmp_path: Path, images: Path, score: float) -> None:
    table = write_csv(tmp_path / "detections.csv", [*SURE[:3], row("d.jpg", BOX, score=score)])
    with pytest.raises(DetloopError, match=rf"d\.jpg: a box has score {score}; --score-weights needs"):
        write_records(detections=table, images=str(images), output=tmp_path / "out", first=2, score_weights=True)
    assert not (tmp_path / "out").exists()
