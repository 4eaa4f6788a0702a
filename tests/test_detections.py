"""The detections and images tables: what is written is read back, and what is wrong is named with its line."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detloop.csv_rows import csv_text, open_csv_for_writing
from detloop.detections import (
    DETECTION_COLUMNS,
    IMAGE_COLUMNS,
    ImageDetections,
    ImageRow,
    detection_rows,
    image_row,
    read_detections,
    read_image_rows,
)
from detloop.errors import DetloopError

HEADER = "filename,width,height,class,score,xmin,ymin,xmax,ymax\n"
GOOD = "a.jpg,96,64,person,0.9,1,2,30,40\n"

# No file name holds NUL; a name that is not UTF-8 is held as Python's file system functions hold it.
NOT_UTF8 = st.sampled_from([bytes([value]).decode(errors="surrogateescape") for value in (0x80, 0xE9, 0xFF)])
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0") | NOT_UTF8, min_size=1, max_size=12)
ODD_NAMES = st.sampled_from(["a,b", '"', 'a"b', " a ", "a\nb", "a\rb", "a\r\nb", "ä.jpg", "\ufeff", "'", ";"]) | NAMES


@st.composite
def detections_of_images(draw: st.DrawFn) -> list[ImageDetections]:
    images = []
    for filename in sorted(draw(st.lists(ODD_NAMES, min_size=1, max_size=4, unique=True))):
        width, height = draw(st.integers(1, 5000)), draw(st.integers(1, 5000))
        count = draw(st.integers(1, 3))
        xs = [sorted(draw(st.tuples(*[st.floats(0, width)] * 2))) for _ in range(count)]
        ys = [sorted(draw(st.tuples(*[st.floats(0, height)] * 2))) for _ in range(count)]
        images.append(
            ImageDetections(
                filename=filename,
                width=width,
                height=height,
                class_names=draw(st.lists(ODD_NAMES, min_size=count, max_size=count)),
                scores=np.array(draw(st.lists(st.floats(0, 1), min_size=count, max_size=count))),
                boxes_px=np.array([[x[0], y[0], x[1], y[1]] for x, y in zip(xs, ys, strict=True)]),
            )
        )
    return images


def write_table(path: Path, images: list[ImageDetections]) -> Path:
    with open_csv_for_writing(path) as file:
        file.write(csv_text([DETECTION_COLUMNS]))
        for image in images:
            file.write(csv_text(detection_rows(image)))
    return path


@given(images=detections_of_images())
def test_detections_that_were_written_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, images: list[ImageDetections]
) -> None:
    path = write_table(tmp_path_factory.getbasetemp() / "round_trip.csv", images)
    for read, written in zip(read_detections(path), images, strict=True):
        assert (read.filename, read.width, read.height) == (written.filename, written.width, written.height)
        assert read.class_names == written.class_names
        np.testing.assert_allclose(read.scores, written.scores, atol=5.1e-7)
        np.testing.assert_array_equal(read.boxes_px, np.trunc(written.boxes_px))


@given(names=st.lists(ODD_NAMES, unique=True), error=ODD_NAMES)
def test_image_rows_that_were_written_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], error: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "images_round_trip.csv"
    rows = [ImageRow(name, 96, 64, number, error if number % 2 else "") for number, name in enumerate(names)]
    with open_csv_for_writing(path) as file:
        file.write(csv_text([IMAGE_COLUMNS]) + csv_text([image_row(row) for row in rows]))
    assert list(read_image_rows(path)) == rows


def test_rows_are_written_as_the_original_script_writes_them() -> None:
    image = ImageDetections(
        "a,b.jpg", 96, 64, ["person"], np.array([0.87654321]), np.array([[1.99, 2.5, 30.0, 40.999]])
    )
    assert csv_text([DETECTION_COLUMNS, *detection_rows(image)]) == (
        HEADER + '"a,b.jpg",96,64,person,0.876543,1,2,30,40\n'
    )


def table(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "detections.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("text", "scores"),
    [
        (HEADER + GOOD, [0.9]),
        (HEADER + "a.jpg,96,64,person,,1,2,30,40\n", [1.0]),
        ("filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,96,64,person,1,2,30,40\n", [1.0]),
        ("ymax,xmax,ymin,xmin,score,class,height,width,filename\n40,30,2,1,0.9,person,64,96,a.jpg\n", [0.9]),
        ("id," + HEADER + "7," + GOOD, [0.9]),
        ("\ufeff" + HEADER + GOOD, [0.9]),
        ((HEADER + GOOD).replace("\n", "\r\n"), [0.9]),
        (HEADER + "\n" + GOOD + "\n", [0.9]),
        ((HEADER + GOOD).rstrip(), [0.9]),
        (HEADER + "a.jpg,96.0,64.0,person,9e-1,1.0,2.0,30.0,40.0\n", [0.9]),
    ],
)
def test_tables_of_other_writers_are_read(tmp_path: Path, text: str, scores: list[float]) -> None:
    (image,) = read_detections(table(tmp_path, text))
    assert (image.filename, image.width, image.height, image.class_names) == ("a.jpg", 96, 64, ["person"])
    assert image.scores.tolist() == scores
    assert image.boxes_px.tolist() == [[1, 2, 30, 40]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": the file is empty; its first line must be filename,width"),
        (HEADER.replace("xmin,", "") + GOOD, ": column xmin is missing; it has filename,"),
        ("a;b\n1;2\n", ": column filename, width, height, class, xmin, ymin, xmax, ymax is missing; it has a;b"),
        (HEADER + GOOD + "a.jpg,96,64,person,nan,1,2,30,40\n", ", line 3: score is 'nan', not a number"),
        (HEADER + "a.jpg,96,64,person,0.9,nan,2,30,40\n", ", line 2: xmin is 'nan', not a number"),
        (HEADER + "a.jpg,96,64,person,0.9,1,2,inf,40\n", ", line 2: xmax is 'inf', not a number"),
        (HEADER + "a.jpg,96,64,person,0.9,1,,30,40\n", ", line 2: ymin is '', not a number"),
        (HEADER + "a.jpg,96,64,person,0.9,31,2,30,40\n", ", line 2: xmin 31 is larger than xmax 30"),
        (HEADER + "a.jpg,96,64,person,0.9,1,41,30,40\n", ", line 2: ymin 41 is larger than ymax 40"),
        (HEADER + "a.jpg,96,64,person,0.9,97,2,120,40\n", ", line 2: the box 97,2,120,40 lies outside its 96x64 image"),
        (HEADER + "a.jpg,96,64,person,0.9,-9,2,-1,40\n", ", line 2: the box -9,2,-1,40 lies outside its 96x64 image"),
        (HEADER + "a.jpg,0,64,person,0.9,0,0,0,0\n", ", line 2: an image of 0x64 pixels"),
        (HEADER + "a.jpg,96.5,64,person,0.9,1,2,30,40\n", ", line 2: width is '96.5', not a whole number"),
        (HEADER + "a.jpg,96,64,,0.9,1,2,30,40\n", ", line 2: the class is empty"),
        (HEADER + "a,b.jpg,96,64,person,0.9,1,2,30,40\n", ", line 2: 10 values for 9 columns; quote a value"),
        (HEADER + "a.jpg,96,64\n", ", line 2: 3 values for 9 columns"),
        (HEADER + GOOD + "a.jpg,96,65,person,0.9,1,2,30,40\n", ", line 3: a.jpg is 96x65 here and 96x64 on line 2"),
        (HEADER + '"a\nb.jpg",96,64,person,0.9,1,2,30,x\n', ", line 3: ymax is 'x', not a number"),
        (HEADER + "a" * 200_000 + ",96,64,person,0.9,1,2,30,40\n", ", line 2: not CSV: field larger than field limit"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = table(tmp_path, text)
    with pytest.raises(DetloopError) as caught:
        list(read_detections(path))
    assert str(caught.value).startswith(f"{path}{message}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("box", ["-5,-5,200,200", "0,0,0,0", "96,64,96,64", "90,60,99,70"])
def test_boxes_that_touch_the_image_are_read_as_they_are(tmp_path: Path, box: str) -> None:
    (image,) = read_detections(table(tmp_path, f"{HEADER}a.jpg,96,64,person,0.9,{box}\n"))
    assert ",".join(f"{edge:g}" for edge in image.boxes_px[0]) == box


def test_rows_in_any_order_are_brought_together_by_image(tmp_path: Path) -> None:
    rows = [("b.jpg", 5), ("a.jpg", 1), ("b.jpg", 3), ("a.jpg", 2), ("c.jpg", 9)]
    text = HEADER + "".join(f"{name},96,64,person,0.9,{x},2,30,40\n" for name, x in rows)
    images = list(read_detections(table(tmp_path, text)))
    assert [(image.filename, image.boxes_px[:, 0].tolist()) for image in images] == [
        ("a.jpg", [1, 2]),
        ("b.jpg", [5, 3]),
        ("c.jpg", [9]),
    ]
    assert [image.lines for image in images] == [(3, 5), (2, 4), (6,)]


def test_a_table_without_rows_has_no_image(tmp_path: Path) -> None:
    assert list(read_detections(table(tmp_path, HEADER))) == []


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DetloopError, match=r"none\.csv: no such detections table"):
        list(read_detections(tmp_path / "none.csv"))
    with pytest.raises(DetloopError, match="is a folder; give the detections table itself"):
        list(read_detections(tmp_path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("filename,width,height,detections\n", "column error is missing"),
        ("filename,width,height,detections,error\na.jpg,96,64,two,\n", "line 2: detections is 'two', not a number"),
        ("filename,width,height,detections,error\na.jpg,96,-64,2,\n", "line 2: height is '-64', not a whole number"),
    ],
)
def test_what_is_wrong_with_an_images_table_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DetloopError, match=message):
        list(read_image_rows(table(tmp_path, text)))


def test_pandas_reads_what_is_written(tmp_path: Path) -> None:
    image = ImageDetections('ä, "b"\r.jpg', 96, 64, ["person"], np.array([0.5]), np.array([[1.5, 2, 3, 4]]))
    frame = pd.read_csv(write_table(tmp_path / "detections.csv", [image]))
    assert list(frame.columns) == list(DETECTION_COLUMNS)
    assert frame.to_numpy().tolist() == [['ä, "b"\r.jpg', 96, 64, "person", 0.5, 1, 2, 3, 4]]


@pytest.mark.parametrize(("mask", "names"), [([True, False], ["a"]), ([False, True], ["b"]), ([False, False], [])])
def test_chosen_boxes_keep_all_that_is_known_of_them(mask: list[bool], names: list[str]) -> None:
    boxes_px, scores = np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]]), np.array([0.9, 0.4])
    image = ImageDetections("a.jpg", 96, 64, ["a", "b"], scores, boxes_px, (2, 3), (False, True))
    chosen = image.chosen(np.array(mask))
    assert chosen.class_names == names
    assert (chosen.scores.tolist(), chosen.boxes_px.tolist()) == (scores[mask].tolist(), boxes_px[mask].tolist())
    assert chosen.lines == tuple(line for line, kept in zip((2, 3), mask, strict=True) if kept)
    assert chosen.is_ignored == tuple(mark for mark, kept in zip((False, True), mask, strict=True) if kept)
