"""Boxes at one place in most images of a fixed camera."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from detloop.detections import ImageDetections
from detloop.records import RecordsSummary, write_records
from detloop.records.static_boxes import StaticBoxes, find_static_boxes
from tests.drawn import draw_image
from tests.records.read_back import all_examples, values
from tests.tables import row, write_csv

POLE, SHADOW = (400.0, 100.0, 450.0, 220.0), (100.0, 300.0, 180.0, 360.0)


def film(
    frames: int, camera: str = "", pole_every: int = 1, size_wh: tuple[int, int] = (640, 480)
) -> list[ImageDetections]:
    """A pole that jitters by a pixel in every so many frames, and a person who walks."""
    rng = np.random.default_rng(0)
    images = []
    for frame in range(frames):
        walker = [10.0 + 15 * frame, 50.0, 60.0 + 15 * frame, 170.0]
        boxes, names = [walker], ["person"]
        if frame % pole_every == 0:
            boxes.append((np.array(POLE) + rng.integers(-1, 2, 4)).tolist())
            names.append("person")
        images.append(
            ImageDetections(f"{camera}{frame:04d}.jpg", *size_wh, names, np.full(len(names), 0.9), np.array(boxes))
        )
    return images


def found_in(images: list[ImageDetections], by_camera: bool = False) -> StaticBoxes:
    def read() -> Iterator[ImageDetections]:
        return iter(images)

    return find_static_boxes(read, lambda name: name.split("/")[0] if by_camera else "")


def test_a_box_that_stands_still_is_found_and_one_that_walks_is_not() -> None:
    (box,) = found_in(film(40)).found
    assert box.box_px == pytest.approx(POLE, abs=1)
    assert (box.images, box.of_images, box.image_wh) == (40, 40, (640, 480))
    assert box.examples == ("0000.jpg", "0001.jpg", "0002.jpg")


@pytest.mark.parametrize(("every", "static"), [(2, 1), (3, 0)])
def test_it_must_be_in_half_of_the_images(every: int, static: int) -> None:
    assert len(found_in(film(40, pole_every=every)).found) == static


def test_a_few_images_show_nothing() -> None:
    assert found_in(film(9)).found == ()


def test_another_class_at_the_same_place_is_another_thing() -> None:
    images = film(40)
    for image in images[::2]:
        image.class_names[1] = "lamp"
    assert sorted(box.class_name for box in found_in(images).found) == ["lamp", "person"]
    for image in images[::4]:
        image.class_names[1] = "cat"
    assert [box.class_name for box in found_in(images).found] == ["person"]


def test_each_camera_is_a_scene() -> None:
    images = [*film(20, "a/"), *film(20, "b/", pole_every=100), *film(20, "c/", pole_every=100)]
    assert found_in(images).found == ()
    (box,) = found_in(images, by_camera=True).found
    assert (box.group, box.images, box.of_images) == ("a", 20, 20)
    assert "in 20 of 20 images of a, such as a/0000.jpg" in str(box)


def test_only_the_scenes_own_boxes_are_left_out() -> None:
    images = [*film(20), *film(12, "other", pole_every=100, size_wh=(800, 600))]
    cleaned = list(found_in(images).without(images))
    assert [len(image) for image in cleaned] == [1] * 20 + [2] + [1] * 11
    assert cleaned[0].boxes_px.tolist() == [images[0].boxes_px[0].tolist()]


def records(folder: Path, how: str) -> RecordsSummary:
    rows = []
    for number in range(12):
        name = f"{number:02d}.jpg"
        draw_image(folder / "images" / name, size_wh=(640, 480))
        rows.append(row(name, (10 + 30 * number, 20, 60 + 30 * number, 80), size_wh=(640, 480)))
        rows.append(row(name, tuple(map(int, POLE)), size_wh=(640, 480), score=0.6))
        rows.append(row(name, tuple(map(int, SHADOW)), size_wh=(640, 480), score=0.3))
    return write_records(
        detections=write_csv(folder / "detections.csv", rows),
        images=str(folder / "images"),
        output=folder / "out",
        first=6,
        threshold="0.5",
        static_boxes=how,
    )


@pytest.mark.parametrize(("how", "boxes", "did"), [("report", 2, "found"), ("drop", 1, "left out")])
def test_static_boxes_are_listed_and_left_out_when_asked(tmp_path: Path, how: str, boxes: int, did: str) -> None:
    """What the threshold drops anyway is not listed."""
    summary = records(tmp_path, how)
    assert f"{did} 1 static boxes:\n  person at 400,100,450,220 in 12 of 12 images, such as 00.jpg" in str(summary)
    for example in all_examples(tmp_path / "out").values():
        assert len(values(example, "image/object/class/label")) == boxes
