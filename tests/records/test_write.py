"""What lies in the output of `detloop records`, as TensorFlow reads it."""

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detloop.errors import DetloopError
from detloop.labels import read_label_map
from detloop.records import write_records
from detloop.records.judged import CHUNK_IMAGES
from tests.drawn import draw_image
from tests.records.read_back import all_examples, names_of, read_examples, read_split, values
from tests.tables import IMAGES_HEADER, row, write_csv

BOX = (10, 8, 50, 40)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Six JPEGs, a.jpg ... f.jpg, 96x64."""
    for name in "abcdef":
        draw_image(tmp_path / "images" / f"{name}.jpg", [BOX])
    return tmp_path / "images"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "detections.csv", [row(f"{name}.jpg", BOX) for name in "abcdef"])


def example_by_the_original_rules(rows: pd.DataFrame, encoded: bytes, ids: dict[str, int]) -> tf.train.Example:
    """generate_tfrecord.py's rules: edges over width and height, class text, class id, bytes as they lie on disk."""
    width, height = int(rows.width.iloc[0]), int(rows.height.iloc[0])
    example = tf.train.Example()
    feature = example.features.feature
    feature["image/height"].int64_list.value.append(height)
    feature["image/width"].int64_list.value.append(width)
    for name in ("image/filename", "image/source_id"):
        feature[name].bytes_list.value.append(rows.filename.iloc[0].encode("utf8"))
    feature["image/encoded"].bytes_list.value.append(encoded)
    feature["image/format"].bytes_list.value.append(b"jpeg")
    for edge, size in (("xmin", width), ("xmax", width), ("ymin", height), ("ymax", height)):
        feature[f"image/object/bbox/{edge}"].float_list.value.extend(rows[edge] / size)
    feature["image/object/class/text"].bytes_list.value.extend(name.encode("utf8") for name in rows["class"])
    feature["image/object/class/label"].int64_list.value.extend(ids[name] for name in rows["class"])
    return example


def test_the_examples_are_those_of_the_original_script(tmp_path: Path, images: Path) -> None:
    rows = [
        row("f.jpg", (0, 0, 96, 64), "car"),
        row("a.jpg", (1, 2, 3, 4), "person"),
        row("a.jpg", (10, 20, 31, 47), "car"),
        row("a.jpg", (33, 7, 95, 63), "person"),
        row("b.jpg", (5, 5, 6, 6), "person"),
    ]
    table = write_csv(tmp_path / "detections.csv", rows)
    ids = {"person": 1, "car": 2}
    write_records(detections=table, images=str(images), output=tmp_path / "out", classes=list(ids), first=2)
    expected = [
        example_by_the_original_rules(group, (images / name).read_bytes(), ids)
        for name, group in pd.read_csv(table).groupby("filename")
    ]
    assert read_examples(tmp_path / "out", "train") == expected[:2]
    assert read_examples(tmp_path / "out", "valid") == expected[2:]


def test_the_first_images_train_in_the_order_of_their_names(tmp_path: Path, images: Path) -> None:
    table = write_csv(tmp_path / "detections.csv", [row(f"{name}.jpg", BOX) for name in "fbdace"])
    summary = write_records(detections=table, images=str(images), output=tmp_path / "out", first=4)
    assert names_of(read_examples(tmp_path / "out", "train")) == ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
    assert names_of(read_examples(tmp_path / "out", "valid")) == ["e.jpg", "f.jpg"]
    assert summary.images == {"train": 4, "valid": 2}


def test_an_image_left_out_keeps_its_place_in_the_first(tmp_path: Path, images: Path) -> None:
    rows = [row(f"{name}.jpg", BOX, "dog" if name == "b" else "person") for name in "abcdef"]
    table = write_csv(tmp_path / "detections.csv", rows)
    write_records(detections=table, images=str(images), output=tmp_path / "out", classes=["person"], first=3)
    assert names_of(read_examples(tmp_path / "out", "train")) == ["a.jpg", "c.jpg"]


def test_what_is_judged_in_several_chunks_is_written_as_in_one(tmp_path: Path, images: Path) -> None:
    """Every fifth image has no wanted box, every seventh cannot be read; ids beyond 127 take two bytes."""
    count, data = 2 * CHUNK_IMAGES + 90, (images / "a.jpg").read_bytes()
    classes = [f"class {number}" for number in range(200)]
    rows = []
    for number in range(count):
        (images / f"{number:05d}.jpg").write_bytes(data if number % 7 else b"")
        names = ["other"] if number % 5 == 0 else [classes[number % 200], classes[(3 * number) % 200]]
        rows += [row(f"{number:05d}.jpg", (number % 50, 8, 60, 40 + side), name) for side, name in enumerate(names)]
    table = write_csv(tmp_path / "detections.csv", rows)
    summary = write_records(
        detections=table, images=str(images), output=tmp_path / "out", classes=classes, first=CHUNK_IMAGES + 40
    )
    written = [number for number in range(count) if number % 5 and number % 7]
    assert [entry["filename"] for entry in read_split(tmp_path / "out")] == [f"{number:05d}.jpg" for number in written]
    for side, of_side in (("train", range(CHUNK_IMAGES + 40)), ("valid", range(CHUNK_IMAGES + 40, count))):
        examples = read_examples(tmp_path / "out", side)
        numbers = [number for number in of_side if number in set(written)]
        assert names_of(examples) == [f"{number:05d}.jpg" for number in numbers]
        assert (summary.images[side], summary.boxes[side]) == (len(numbers), 2 * len(numbers))
        for number, example in zip(numbers, examples, strict=True):
            assert values(example, "image/object/class/label") == [number % 200 + 1, (3 * number) % 200 + 1]
            texts = [text.decode() for text in values(example, "image/object/class/text")]
            assert texts == [classes[number % 200], classes[(3 * number) % 200]]
            assert values(example, "image/object/bbox/xmin") == pytest.approx([number % 50 / 96] * 2)
            assert values(example, "image/object/bbox/ymax") == pytest.approx([40 / 64, 41 / 64])
    assert summary.unwanted_boxes == {"other": len(range(0, count, 5))}
    assert summary.unreadable == len([number for number in range(count) if number % 5 and number % 7 == 0])


def test_split_csv_says_where_each_image_went(tmp_path: Path, images: Path) -> None:
    rows = [row(f"{name}.jpg", BOX) for name in "abcdef"]
    table = write_csv(tmp_path / "detections.csv", [*rows, row("b.jpg", (1, 1, 9, 9))])
    output = tmp_path / "out"
    write_records(detections=table, images=str(images), output=output, group_by="[ab]|[cd]|[ef]", valid_fraction=0.6)
    written = read_split(output)
    assert list(written[0]) == ["filename", "group", "split", "boxes"]
    assert [entry["filename"] for entry in written] == [f"{name}.jpg" for name in "abcdef"]
    assert [entry["group"] for entry in written] == list("abcdef")
    assert [entry["boxes"] for entry in written] == ["1", "2", "1", "1", "1", "1"]
    for side in ("train", "valid"):
        on_side = [entry["filename"] for entry in written if entry["split"] == side]
        assert names_of(read_examples(output, side)) == on_side


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (["dog", "cat"], {1: "dog", 2: "cat"}),
        (["person", "zebra", "dog"], {1: "person", 2: "zebra", 3: "dog"}),
        (None, {1: "cat", 2: "dog", 3: "person"}),
    ],
)
def test_ids_follow_the_order_of_the_names(
    tmp_path: Path, images: Path, wanted: Sequence[str] | None, expected: dict[int, str]
) -> None:
    classes = ["person", "dog", "cat", "N/A", "dog", "cat"]
    rows = [row(f"{name}.jpg", BOX, label) for name, label in zip("abcdef", classes, strict=True)]
    rows += [row(f"{name}.jpg", BOX, "dog") for name in "af"]
    table = write_csv(tmp_path / "detections.csv", rows)
    output = tmp_path / "out"
    summary = write_records(detections=table, images=str(images), output=output, classes=wanted, first=3)
    assert read_label_map(output / "label_map.pbtxt").name_of_id == expected
    for example in all_examples(output).values():
        texts = [text.decode() for text in values(example, "image/object/class/text")]
        assert texts == [expected[label] for label in values(example, "image/object/class/label")]
    assert summary.missing_classes == (("zebra",) if wanted and "zebra" in wanted else ())
    assert ("warning: the table has no box of zebra" in str(summary)) == ("zebra" in (wanted or []))


def test_boxes_of_other_classes_are_left_out_and_counted(tmp_path: Path, images: Path, table: Path) -> None:
    rows = [row(f"{name}.jpg", BOX) for name in "abcd"]
    rows += [row("a.jpg", (1, 1, 9, 9), "dog"), row("e.jpg", BOX, "dog"), row("f.jpg", BOX, "N/A")]
    summary = write_records(
        detections=write_csv(table, rows), images=str(images), output=tmp_path / "out", classes=["person"], first=2
    )
    examples = all_examples(tmp_path / "out")
    assert sorted(examples) == ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
    assert values(examples["a.jpg"], "image/object/class/label") == [1]
    assert summary.unwanted_boxes == {"dog": 2, "N/A": 1}
    assert summary.without_boxes == 2
    assert "N/A (1), dog (2)" in str(summary)


def test_boxes_are_clipped_and_those_without_area_dropped(tmp_path: Path, images: Path) -> None:
    rows = [
        row("a.jpg", (-10, -5, 48, 32)),
        row("a.jpg", (48, 32, 200, 100)),
        row("a.jpg", (5, 5, 5, 20)),
        row("a.jpg", (96, 0, 120, 20)),
        *(row(f"{name}.jpg", BOX) for name in "bcd"),
    ]
    table = write_csv(tmp_path / "detections.csv", rows)
    summary = write_records(detections=table, images=str(images), output=tmp_path / "out", first=2)
    example = all_examples(tmp_path / "out")["a.jpg"]
    edges = [values(example, f"image/object/bbox/{edge}") for edge in ("xmin", "ymin", "xmax", "ymax")]
    assert list(zip(*edges, strict=True)) == [(0, 0, 0.5, 0.5), (0.5, 0.5, 1, 1)]
    assert (summary.clipped, summary.without_area) == (2, 2)


def test_negatives_have_every_feature_and_no_box(tmp_path: Path, images: Path) -> None:
    table = write_csv(tmp_path / "detections.csv", [row("b.jpg", BOX), row("d.jpg", BOX, "dog")])
    looked_at = [(f"{name}.jpg", 96, 64, 0, "") for name in "abcde"] + [("f.jpg", 0, 0, 0, "is not an image")]
    write_csv(tmp_path / "images.csv", looked_at, IMAGES_HEADER)
    summary = write_records(
        detections=table,
        images=str(images),
        output=tmp_path / "out",
        classes=["person"],
        first=3,
        keep_negatives=True,
    )
    examples = all_examples(tmp_path / "out")
    assert sorted(examples) == [f"{name}.jpg" for name in "abcde"]
    assert names_of(read_examples(tmp_path / "out", "train")) == ["a.jpg", "b.jpg", "c.jpg"]
    assert summary.negatives == 4
    for name, example in examples.items():
        assert set(example.features.feature) == set(examples["b.jpg"].features.feature)
        assert len(values(example, "image/object/class/label")) == (name == "b.jpg")


def test_shards_are_filled_in_turn(tmp_path: Path, images: Path, table: Path) -> None:
    output = tmp_path / "out"
    write_records(detections=table, images=str(images), output=output, first=5, shards=2)
    assert sorted(path.name for path in output.iterdir()) == [
        "label_map.pbtxt",
        "report.html",
        "split.csv",
        "train-00000-of-00002.record",
        "train-00001-of-00002.record",
        "valid-00000-of-00002.record",
        "valid-00001-of-00002.record",
    ]
    expected = ["a.jpg", "c.jpg", "e.jpg", "b.jpg", "d.jpg"]
    assert names_of(read_examples(output, "train")) == expected


@pytest.mark.parametrize(
    "name",
    [
        "a,b.jpg",
        'say "hi".jpg',
        "two words.jpg",
        "Straße 東京.jpg",
        "sub/folder/x.jpg",
        "-x.jpg",
        "line\nend.jpg",
        "car\riage.jpg",
    ],
)
def test_odd_names(tmp_path: Path, images: Path, name: str) -> None:
    draw_image(images / name, [BOX])
    table = write_csv(tmp_path / "detections.csv", [row(name, BOX), row("f.jpg", BOX), row("e.jpg", BOX)])
    write_records(detections=table, images=str(images), output=tmp_path / "out", first=1)
    assert values(all_examples(tmp_path / "out")[name], "image/encoded") == [(images / name).read_bytes()]
    assert name in [entry["filename"] for entry in read_split(tmp_path / "out")]


def test_a_name_that_is_not_utf8_keeps_its_bytes(tmp_path: Path, images: Path) -> None:
    name = b"caf\xe9.jpg".decode("utf-8", "surrogateescape")
    draw_image(images / name, [BOX])
    table = write_csv(tmp_path / "detections.csv", [row(name, BOX), row("a.jpg", BOX)])
    write_records(detections=table, images=str(images), output=tmp_path / "out", first=1)
    (example,) = read_examples(tmp_path / "out", "valid")
    assert values(example, "image/filename") == [b"caf\xe9.jpg"]


def test_an_unreadable_image_is_left_out_and_counted(tmp_path: Path, images: Path, table: Path) -> None:
    (images / "b.jpg").write_bytes(b"")
    (images / "c.jpg").write_bytes((images / "c.jpg").read_bytes()[:-50])
    (images / "d.jpg").unlink()
    summary = write_records(detections=table, images=str(images), output=tmp_path / "out", first=3)
    assert sorted(all_examples(tmp_path / "out")) == ["a.jpg", "e.jpg", "f.jpg"]
    assert summary.unreadable == 3
    assert re.search(
        r"left out 3 unreadable images: b.jpg .*0 bytes.*c.jpg .*cut short.*d.jpg .*No such file", str(summary)
    )


def test_an_earlier_output_is_replaced(tmp_path: Path, images: Path, table: Path) -> None:
    output = tmp_path / "out"
    write_records(detections=table, images=str(images), output=output, first=5, shards=3)
    write_records(detections=table, images=str(images), output=output, first=2)
    assert len(list(output.glob("*.record"))) == 2
    assert names_of(read_examples(output, "train")) == ["a.jpg", "b.jpg"]
    assert not list(tmp_path.glob("out.*"))


def test_the_order_of_the_rows_does_not_matter(tmp_path: Path, images: Path) -> None:
    rows = [row(f"{name}.jpg", box) for box in (BOX, (1, 1, 20, 20)) for name in "dafbec"]
    for name, order in (("mixed", rows), ("sorted", sorted(rows, key=lambda entry: str(entry[0])))):
        table = write_csv(tmp_path / f"{name}.csv", order)
        write_records(detections=table, images=str(images), output=tmp_path / name, valid_fraction=0.6)
    for path in (tmp_path / "sorted").iterdir():
        assert path.read_bytes() == (tmp_path / "mixed" / path.name).read_bytes()


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=st.sets(st.sampled_from("abcdef"), min_size=2), fraction=st.floats(0.2, 0.8))
def test_a_side_is_never_empty_without_a_word(tmp_path: Path, images: Path, chosen: set[str], fraction: float) -> None:
    """Either both sides have images, or the error's advice, followed, gives both images."""
    table = write_csv(tmp_path / "some.csv", [row(f"{name}.jpg", BOX) for name in chosen])

    def images_with(valid_fraction: float) -> dict[str, int]:
        output = tmp_path / "some"
        return write_records(detections=table, images=str(images), output=output, valid_fraction=valid_fraction).images

    try:
        written = images_with(fraction)
    except DetloopError as error:
        advised = re.search(r"or --valid-fraction ([\d.]+)", str(error))
        assert advised
        written = images_with(float(advised.group(1)))
    assert min(written.values()) > 0
    assert sum(written.values()) == len(chosen)


def test_metadata_is_flat_and_counts(tmp_path: Path, images: Path, table: Path) -> None:
    metadata = write_records(detections=table, images=str(images), output=tmp_path / "out", first=4).metadata()
    assert metadata["train_images"] == 4
    assert metadata["valid_boxes"] == 2
    assert metadata["classes"] == "person"
    assert all(isinstance(value, int | float | str) for value in metadata.values())
