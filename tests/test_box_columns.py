"""The boxes of a table as columns: the same whatever chunk a row falls into."""

from pathlib import Path

import numpy as np
import pytest

from detloop.box_columns import BOX_COLUMNS, CHUNK_ROWS, in_order_of_names, read_box_columns, whole_images
from detloop.detections import read_detections
from detloop.errors import DetloopError

HEADER = ",".join(BOX_COLUMNS) + "\n"


def table(folder: Path, names: list[str]) -> Path:
    """A table with one box for each name, whose xmin is the row's number modulo 600."""
    path = folder / "detections.csv"
    rows = (f"{name},640,480,person,{row % 600},2,600,40\n" for row, name in enumerate(names))
    path.write_text(HEADER + "".join(rows), encoding="utf-8")
    return path


def names_of(images: int, boxes_an_image: int) -> list[str]:
    return [f"{image:05d}.jpg" for image in range(images) for _ in range(boxes_an_image)]


@pytest.mark.parametrize(
    ("images", "boxes_an_image"),
    [
        (1, CHUNK_ROWS),  # one chunk that is one image
        (CHUNK_ROWS, 1),
        (CHUNK_ROWS + 1, 1),
        (CHUNK_ROWS // 3 + 2, 3),  # an image's rows in two chunks
        (2, 2 * CHUNK_ROWS + 1),  # images larger than a chunk
    ],
)
def test_chunks_divide_no_image(tmp_path: Path, images: int, boxes_an_image: int) -> None:
    path = table(tmp_path, names_of(images, boxes_an_image))
    found = list(read_detections(path))
    assert [image.filename for image in found] == [f"{image:05d}.jpg" for image in range(images)]
    assert {len(image) for image in found} == {boxes_an_image}
    xmins = np.concatenate([image.boxes_px[:, 0] for image in found])
    np.testing.assert_array_equal(xmins, np.arange(images * boxes_an_image) % 600)
    lines = [line for image in found for line in image.lines]
    assert lines == list(range(2, images * boxes_an_image + 2))


def test_rows_out_of_order_in_several_chunks_keep_their_order_within_a_name(tmp_path: Path) -> None:
    names = ["b.jpg", "a.jpg"] * CHUNK_ROWS
    (columns,) = in_order_of_names(read_box_columns(table(tmp_path, names)))
    assert columns.filenames == ["a.jpg"] * CHUNK_ROWS + ["b.jpg"] * CHUNK_ROWS
    assert columns.lines[:2] == [3, 5]
    assert columns.lines[CHUNK_ROWS : CHUNK_ROWS + 2] == [2, 4]
    assert columns.boxes_px[:2, 0].tolist() == [1, 3]


@pytest.mark.parametrize("row", [0, CHUNK_ROWS - 1, CHUNK_ROWS, 2 * CHUNK_ROWS + 5])
def test_a_bad_row_of_any_chunk_is_named_by_its_line(tmp_path: Path, row: int) -> None:
    path = table(tmp_path, names_of(3 * CHUNK_ROWS, 1))
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[row + 1] = f"{row:05d}.jpg,640,480,person,nan,2,600,40"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(DetloopError, match=f"line {row + 2}: xmin is 'nan', not a number"):
        list(read_box_columns(path))


def test_a_row_of_another_size_in_the_next_chunk_is_found(tmp_path: Path) -> None:
    path = table(tmp_path, ["a.jpg"] * (CHUNK_ROWS + 2))
    text = path.read_text(encoding="utf-8")
    path.write_text(text.removesuffix("\n").rpartition("\n")[0] + "\na.jpg,640,481,person,1,2,3,4\n", encoding="utf-8")
    with pytest.raises(DetloopError, match=f"line {CHUNK_ROWS + 3}: a.jpg is 640x481 here and 640x480 on line"):
        list(read_detections(path))


def test_a_table_without_rows_has_no_chunk(tmp_path: Path) -> None:
    path = table(tmp_path, [])
    assert list(whole_images(read_box_columns(path))) == []
    assert list(in_order_of_names(read_box_columns(path))) == []
