"""Tiles, mirrored views and scales, through whole runs of a model that numpy can follow."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detloop.detect import DetectSummary, detect_images
from detloop.errors import DetloopError
from tests.detect.test_detect import draw_film
from tests.drawn import BLUE, RED, draw_image
from tests.tiny_models import colored_boxes, write_saved_model

Row = tuple[str, int, int, int, int]


@pytest.fixture
def detect(tmp_path: Path, frozen_graph: Path, color_label_map: Path):
    """Detects in tmp_path/images and gives the summary; options replace those of the call."""

    def run(**options: object) -> DetectSummary:
        given = {
            "model": str(frozen_graph),
            "label_map": str(color_label_map),
            "images": str(tmp_path / "images"),
            "output": tmp_path / "detections.csv",
            **options,
        }
        return detect_images(**given)  # type: ignore[arg-type]

    return run


def boxes(table: Path) -> list[Row]:
    """Class and edges of each box, in the table's order."""
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [(row["class"], *(int(row[edge]) for edge in ("xmin", "ymin", "xmax", "ymax"))) for row in rows]


LEFT, RIGHT, AROUND_BOTH = ("red", 8, 8, 20, 20), ("red", 100, 40, 120, 60), ("red", 8, 8, 120, 60)


@pytest.mark.parametrize(
    ("options", "passes", "expected"),
    [
        ({}, 1, {AROUND_BOTH}),
        ({"flip": True}, 2, {AROUND_BOTH}),
        # x 0 to 64, 32 to 96, 64 to 128
        ({"tile": "64x64"}, 4, {AROUND_BOTH, LEFT, RIGHT}),
        ({"tile": "64x64", "flip": True}, 8, {AROUND_BOTH, LEFT, RIGHT}),
        ({"tile": "64x64", "overlap": 0.0}, 3, {AROUND_BOTH, LEFT, RIGHT}),
        # x 0 to 112 and 16 to 128: each shows both and cuts one
        ({"tile": "112x64", "overlap": 0.0}, 3, {AROUND_BOTH}),
        ({"scales": "1,2"}, 1 + 9, {AROUND_BOTH, LEFT, RIGHT}),
        ({"scales": "2"}, 1 + 9, {AROUND_BOTH, LEFT, RIGHT}),
        ({"tile": "128x32", "scales": "1,2", "flip": True}, 2 * (1 + 3 + 15), {AROUND_BOTH, LEFT, RIGHT}),
        ({"tile": "64x64", "flip": True, "merge": "nms"}, 8, {AROUND_BOTH, LEFT, RIGHT}),
        # half of the views that show the left one whole, or the right one, find it alone
        ({"tile": "64x64", "flip": True, "merge": "wbf"}, 8, {AROUND_BOTH}),
        ({"tile": "64x64", "flip": True, "merge": "wbf", "threshold": 0.4}, 8, {AROUND_BOTH, LEFT, RIGHT}),
    ],
)
def test_views_show_what_the_frame_hides(
    tmp_path: Path, detect, options: dict[str, object], passes: int, expected: set[Row]
) -> None:
    draw_image(tmp_path / "images" / "a.png", [LEFT[1:], RIGHT[1:]], size_wh=(128, 64))
    summary = detect(**options)
    found = boxes(tmp_path / "detections.csv")
    assert set(found) == expected
    assert len(found) == len(expected)
    assert summary.passes_per_image == summary.metadata()["passes_per_image"] == passes
    assert (f"{passes} passes an image" in str(summary)) == (passes > 1)


def test_a_box_that_every_tile_cuts_is_that_of_the_whole_frame(tmp_path: Path, detect) -> None:
    draw_image(tmp_path / "images" / "a.png", [(4, 10, 124, 50)], size_wh=(128, 64))
    detect(tile="64x64", overlap=0.5, flip=True)
    assert boxes(tmp_path / "detections.csv") == [("red", 4, 10, 124, 50)]


def test_one_object_with_two_names_keeps_the_surer_one(tmp_path: Path, detect) -> None:
    pixels = np.full((64, 96, 3), 16, np.uint8)
    pixels[10:40, 10:40] = RED
    pixels[11:39:2, 11:39] = (30, 30, 200)
    pixels[10, 10] = pixels[39, 39] = BLUE
    (tmp_path / "images").mkdir()
    Image.fromarray(pixels).save(tmp_path / "images" / "a.png")
    detect(threshold=0.5)
    assert [name for name, *_ in boxes(tmp_path / "detections.csv")] == ["red", "blue"]
    detect(threshold=0.5, cross_class_iou=0.8)
    assert [name for name, *_ in boxes(tmp_path / "detections.csv")] == ["red"]


def boxes_of_each_view(path: Path, windows: list[tuple[int, int, int, int]], threshold: float) -> set[Row]:
    """Boxes that the tiny detector has of an image's windows x, y, width, height, but those that an inner edge cuts."""
    pixels = np.asarray(Image.open(path).convert("RGB"))
    height, width = pixels.shape[:2]
    found = set()
    for left, top, wide, high in windows:
        edges, scores = colored_boxes(pixels[top : top + high, left : left + wide])
        for name, (ymin, xmin, ymax, xmax), score in zip(("red", "green", "blue"), edges, scores, strict=True):
            box = [left + round(xmin * wide), top + round(ymin * high)]
            box += [left + round(xmax * wide), top + round(ymax * high)]
            inside = (left == 0 or box[0] > left) and (top == 0 or box[1] > top)
            inside &= (left + wide == width or box[2] < left + wide) and (top + high == height or box[3] < top + high)
            if score > threshold and inside:
                found.add((name, *box))
    return found


@pytest.mark.parametrize("batch_size", [1, 8])
def test_a_film_of_mixed_sizes_is_seen_as_a_loop_over_its_windows_sees_it(
    tmp_path: Path, detect, batch_size: int
) -> None:
    draw_film(tmp_path / "images", 30, [(96, 64), (64, 96), (40, 30)])
    summary = detect(tile="64x64", overlap=0.5, flip=True, batch_size=batch_size, merge="nms", merge_iou=1.0)
    windows_of_size = {
        (96, 64): [(0, 0, 96, 64), (0, 0, 64, 64), (32, 0, 64, 64)],
        (64, 96): [(0, 0, 64, 96), (0, 0, 64, 64), (0, 32, 64, 64)],
        (40, 30): [(0, 0, 40, 30)],
    }
    expected = set()
    for path in sorted((tmp_path / "images").iterdir()):
        size = Image.open(path).size
        expected |= {(path.name, *row) for row in boxes_of_each_view(path, windows_of_size[size], 0.5)}
    with (tmp_path / "detections.csv").open(newline="") as file:
        names = [row["filename"] for row in csv.DictReader(file)]
    rounded = {(name, *row) for name, row in zip(names, boxes(tmp_path / "detections.csv"), strict=True)}
    assert {row[:2] for row in rounded} == {row[:2] for row in expected}
    for row in rounded:
        assert any(row[:2] == other[:2] and np.allclose(row[2:], other[2:], atol=1) for other in expected)
    assert names == sorted(names)
    assert summary.passes == 10 * (6 + 6 + 2)
    assert "warning: 10 images are not larger than the tile; they were seen whole alone" in str(summary)


def test_views_of_a_model_that_takes_one_image_are_run_one_by_one(tmp_path: Path, detect) -> None:
    draw_film(tmp_path / "images", 5)
    detect(tile="64x64", flip=True, output=tmp_path / "many" / "detections.csv")
    one_at_a_time = write_saved_model(tmp_path / "one", batch_size=1)
    detect(tile="64x64", flip=True, model=str(one_at_a_time))
    assert (tmp_path / "many" / "detections.csv").read_bytes() == (tmp_path / "detections.csv").read_bytes()


def test_an_unreadable_image_among_tiled_ones_is_listed(tmp_path: Path, detect) -> None:
    draw_film(tmp_path / "images", 6)
    (tmp_path / "images" / "0002.png").write_text("no image")
    summary = detect(tile="64x64", flip=True)
    assert (summary.images, summary.unreadable, summary.passes_per_image) == (6, 1, 6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tile": "96x64"}, "--tile 96x64: no image is larger than that, 0000.png is 96x64; give a smaller tile"),
        ({"tile": "200x200", "flip": True}, "--tile 200x200: no image is larger than that, 0000.png is 96x64"),
        ({"tile": "64x64", "scales": "1,0.5"}, "--tile 128x128 at scale 0.5: no image is larger than that"),
    ],
)
def test_a_tile_larger_than_every_image_is_an_error(
    tmp_path: Path, detect, options: dict[str, object], message: str
) -> None:
    draw_film(tmp_path / "images", 4)
    with pytest.raises(DetloopError) as caught:
        detect(**options)
    assert str(caught.value).startswith(message)


def test_a_tile_larger_than_the_first_images_alone_is_none(tmp_path: Path, detect) -> None:
    draw_film(tmp_path / "images", 4)
    (tmp_path / "images" / "0000.png").write_text("no image")
    draw_image(tmp_path / "images" / "z.png", size_wh=(120, 64))
    assert detect(tile="96x64").seen_whole == 3


def test_a_tile_is_let_pass_where_not_every_image_was_asked_for_its_size(
    tmp_path: Path, detect, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_film(tmp_path / "images", 4)
    monkeypatch.setattr("detloop.detect.run.IMAGES_CHECKED", 3)
    assert "warning: 4 images are not larger than the tile" in str(detect(tile="96x64"))
