"""`detloop evaluate` of a detections table against a labelled one."""

import csv
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from detloop.cli import main
from detloop.evaluate import evaluate_detections
from tests.tables import DETECTION_HEADER, row, write_csv

TRUTH = [row("a.jpg", (10, 10, 50, 50)), row("b.jpg", (10, 10, 50, 50)), row("b.jpg", (60, 10, 90, 50), "car")]
FOUND = [
    row("a.jpg", (10, 10, 50, 50), score=0.9),
    row("b.jpg", (10, 10, 50, 50), score=0.8),
    row("b.jpg", (20, 5, 80, 60), "dog", score=0.7),
    row("c.jpg", (10, 10, 50, 50), score=0.7),
]


def evaluate(folder: Path) -> Result:
    options = ["--detections", folder / "found.csv", "--ground-truth", folder / "truth.csv", "--output", folder / "out"]
    return CliRunner().invoke(main, ["evaluate", *map(str, options)])


def write_tables(folder: Path, truth: list[tuple[object, ...]], found: list[tuple[object, ...]]) -> None:
    """The ground truth as a human file, without scores."""
    header = [name for name in DETECTION_HEADER if name != "score"]
    write_csv(folder / "truth.csv", [entry[:4] + entry[5:] for entry in truth], header)
    write_csv(folder / "found.csv", found)


def test_the_files_and_the_summary(tmp_path: Path) -> None:
    write_tables(tmp_path, TRUTH, FOUND)
    result = evaluate(tmp_path)
    assert result.exit_code == 0, result.output
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert {name: value for name, value in metrics.items() if name != "per_class"} == pytest.approx(
        {
            **{"AP": 0.5, "AP50": 0.5, "AP75": 0.5, "AP_small": None, "AP_medium": 0.5, "AP_large": None},
            **{"AR1": 0.5, "AR10": 0.5, "AR100": 0.5, "images": 2, "ground_truth_boxes": 3, "detected_boxes": 3},
            **{"unmeasured_images": 1, "unmeasured_boxes": 1},
        }
    )
    assert [(entry["class"], entry["AP"]) for entry in metrics["per_class"]] == [
        ("car", 0),
        ("dog", None),
        ("person", 1),
    ]
    with (tmp_path / "out" / "per_class.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(entry["class"], entry["AP50"], entry["ground_truth_boxes"]) for entry in rows] == [
        ("car", "0.0", "1"),
        ("dog", "", "0"),
        ("person", "1.0", "2"),
    ]
    assert "AP 0.500, AP50 0.500, AP75 0.500, AR100 0.500 on 2 images" in result.output
    assert re.search(r"^person +1\.000 +1\.000 +1\.000 +2 +2$", result.output, re.MULTILINE)
    assert re.search(r"^dog +- +- +- +0 +1$", result.output, re.MULTILINE)
    assert "left out 1 detected boxes on 1 images" in result.output
    assert "not measured: dog" in result.output


def test_a_table_of_no_detections_scores_zero(tmp_path: Path) -> None:
    write_tables(tmp_path, TRUTH, [])
    summary = evaluate_detections(
        detections=tmp_path / "found.csv", ground_truth=tmp_path / "truth.csv", output=tmp_path / "out"
    )
    assert summary.metadata()["AP"] == 0
    assert "AP_large" not in summary.metadata()
    assert all(isinstance(value, int | float | str) for value in summary.metadata().values())


@pytest.mark.parametrize(
    ("truth", "found", "message"),
    [
        ([], FOUND, r"truth\.csv: the table has no box"),
        (TRUTH, [row("frames/a.jpg", (1, 1, 5, 5))], r"no image in common: they name 'frames/a\.jpg' and 'a\.jpg'"),
        (TRUTH, [row("a.jpg", (1, 1, 5, 5), size_wh=(10, 10))], r"a\.jpg is 10x10 in .*found\.csv and 96x64 in"),
        (TRUTH, [row("a.jpg", (9, 1, 5, 5))], r"found\.csv, line 2: xmin 9 is larger than xmax 5"),
    ],
)
def test_bad_input(
    tmp_path: Path, truth: list[tuple[object, ...]], found: list[tuple[object, ...]], message: str
) -> None:
    write_tables(tmp_path, truth, found)
    result = evaluate(tmp_path)
    assert result.exit_code == 1
    assert re.fullmatch(rf"detloop: error: .*{message}.*\n", result.stderr), result.stderr
    assert not (tmp_path / "out").exists()
