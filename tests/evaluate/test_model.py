"""`detloop evaluate` of a model on records."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image, ImageDraw

from detloop.cli import main
from detloop.examples import RecordWriter, encode_example
from detloop.labels import LabelMap, write_label_map
from detloop.records import write_records
from tests import tiny_models
from tests.drawn import GREEN, RED
from tests.tables import IMAGES_HEADER, row, write_csv

RED_BOX, GREEN_BOX = (4, 6, 40, 44), (50, 10, 80, 60)
SIZES_WH = [(96, 64)] * 5 + [(128, 80), (96, 64), (128, 80)]


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine PNGs, eight of them valid: a red and a green rectangle in each, but none in the last; green is class 1."""
    folder = tmp_path_factory.mktemp("records")
    rows, looked_at = [], []
    (folder / "images").mkdir()
    for number, size_wh in enumerate([(96, 64), *SIZES_WH]):
        name, is_empty = f"{number}.png", number == len(SIZES_WH)
        image = Image.new("RGB", size_wh, (16, 16, 16))
        for label, box, color in () if is_empty else (("red", RED_BOX, RED), ("green", GREEN_BOX, GREEN)):
            xmin, ymin, xmax, ymax = box
            ImageDraw.Draw(image).rectangle((xmin, ymin, xmax - 1, ymax - 1), fill=color)
            rows.append(row(name, box, label, size_wh))
        image.save(folder / "images" / name)
        looked_at.append((name, *size_wh, 0 if is_empty else 2, ""))
    table = write_csv(folder / "detections.csv", rows)
    write_csv(folder / "images.csv", looked_at, IMAGES_HEADER)
    write_records(
        detections=table,
        images=str(folder / "images"),
        output=folder / "records",
        classes=["green", "red"],
        first=1,
        shards=2,
        keep_negatives=True,
    )
    return folder / "records"


def evaluate(model: Path, records: Path, output: Path, *options: str) -> Result:
    arguments = ["--model", model, "--records", records, "--output", output]
    return CliRunner().invoke(main, ["evaluate", *map(str, arguments), *options])


@pytest.fixture
def model_with_labels(frozen_graph: Path, color_label_map: Path, tmp_path: Path) -> Path:
    shutil.copy(frozen_graph, tmp_path / "frozen_inference_graph.pb")
    shutil.copy(color_label_map, tmp_path / "label_map.pbtxt")
    return tmp_path


@pytest.mark.parametrize("batch_size", ["1", "3", "8"])
def test_a_perfect_model(model_with_labels: Path, records: Path, tmp_path: Path, batch_size: str) -> None:
    """Images of two sizes, two shards, class ids that differ between the model and the records."""
    result = evaluate(model_with_labels, records, tmp_path / "out", "--batch-size", batch_size)
    assert result.exit_code == 0, result.output
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["AP"] == pytest.approx(1)
    assert (metrics["images"], metrics["ground_truth_boxes"], metrics["detected_boxes"]) == (8, 14, 14)
    assert [entry["class"] for entry in metrics["per_class"]] == ["green", "red"]


def test_a_saved_model_with_the_label_map_beside_it(records: Path, color_label_map: Path, tmp_path: Path) -> None:
    model = tiny_models.write_saved_model(tmp_path / "export" / "saved_model", batch_size=1)
    shutil.copy(color_label_map, tmp_path / "export" / "label_map.pbtxt")
    for number, path in enumerate((model, model.parent)):
        result = evaluate(path, records, tmp_path / f"out{number}")
        assert result.exit_code == 0, result.output
        assert json.loads((tmp_path / f"out{number}" / "metrics.json").read_text())["AP"] == pytest.approx(1)


def test_without_its_own_label_map_a_model_has_the_records_ids(records: Path, tmp_path: Path) -> None:
    graph = tiny_models.write_frozen_graph(tmp_path / "swapped.pb", class_ids=(2, 1, 3))
    result = evaluate(graph, records, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["AP"] == pytest.approx(1), result.output


def test_a_model_that_finds_another_colour(records: Path, tmp_path: Path) -> None:
    graph = tiny_models.write_frozen_graph(tmp_path / "wrong.pb", class_ids=(1, 2, 3))
    evaluate(graph, records, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["AP50"] == 0


def with_checkpoints(folder: Path, records: Path) -> tuple[Path, Path]:
    (folder / "model.ckpt-20.index").write_bytes(b"x")
    return folder, records


def with_other_classes(folder: Path, records: Path) -> tuple[Path, Path]:
    write_label_map(LabelMap.of_names(["cat"]), folder / "label_map.pbtxt")
    (folder / "frozen_inference_graph.pb").write_bytes(b"")
    return folder, records


def with_record(data: bytes) -> Callable[[Path, Path], tuple[Path, Path]]:
    def spoil(folder: Path, records: Path) -> tuple[Path, Path]:
        spoiled = folder / "spoiled"
        spoiled.mkdir()
        shutil.copy(records / "label_map.pbtxt", spoiled)
        writer = RecordWriter(spoiled / "valid-00000-of-00001.record")
        writer.write(data)
        writer.close()
        return tiny_models.write_frozen_graph(folder / "model.pb"), spoiled

    return spoil


def with_no_images(folder: Path, records: Path) -> tuple[Path, Path]:
    model, spoiled = with_record(b"")(folder, records)
    (spoiled / "valid-00000-of-00001.record").write_bytes(b"")
    return model, spoiled


def with_cut_records(folder: Path, records: Path) -> tuple[Path, Path]:
    model, spoiled = with_record(bytes(99))(folder, records)
    file = spoiled / "valid-00000-of-00001.record"
    file.write_bytes(file.read_bytes()[:50])
    return model, spoiled


def without_records(folder: Path, records: Path) -> tuple[Path, Path]:
    (folder / "empty").mkdir()
    return tiny_models.write_frozen_graph(folder / "model.pb"), folder / "empty"


BAD_IMAGE = encode_example({"image/filename": [b"bad.jpg"], "image/encoded": [b"no image"]})
CASES = {
    "checkpoints": (with_checkpoints, r"holds checkpoints.*export"),
    "other classes": (with_other_classes, r"none of the model's classes \(cat\) is one of the records' \(green, red\)"),
    "no records": (without_records, r"empty: no valid-\*\.record file there"),
    "no images": (with_no_images, r"hold no image"),
    "cut short": (with_cut_records, r"valid-00000-of-00001\.record: the record at byte \d+ is cut short"),
    "not an image": (with_record(BAD_IMAGE), r"record 1 \(bad\.jpg\): is not an image"),
    "no example": (with_record(b"\xff\xff"), r"not a tf\.train\.Example"),
    "no image feature": (with_record(encode_example({"image/filename": [b"x"]})), r"image/encoded is missing"),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input(records: Path, tmp_path: Path, case: str) -> None:
    spoil, message = CASES[case]
    model, spoiled = spoil(tmp_path, records)
    result = evaluate(model, spoiled, tmp_path / "out")
    assert result.exit_code == 1, result.output
    last_line = result.stderr.splitlines()[-1]
    assert re.fullmatch(rf"detloop: error: {re.escape(str(tmp_path))}.*{message}.*", last_line), result.stderr
    assert not (tmp_path / "out").exists()
