"""Bad input to `detloop records`: one line that names the culprit, exit code 1, nothing half-written."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner

from detloop.cli import main
from tests.drawn import draw_image
from tests.tables import IMAGES_HEADER, row, write_csv

BOX = (10, 8, 50, 40)
GOOD_ROWS = [row(f"{name}.jpg", BOX) for name in "abcd"]


@dataclass(frozen=True)
class Case:
    """Rows of the table, options of the command, anything else to spoil in the folder, and what the error says."""

    message: str
    rows: list[tuple[object, ...]] = field(default_factory=lambda: GOOD_ROWS)
    options: tuple[str, ...] = ("--first", "2")
    header: tuple[str, ...] | None = None
    spoil: Callable[[Path], object] = lambda folder: None


def without_column(rows: list[tuple[object, ...]], index: int) -> list[tuple[object, ...]]:
    return [entry[:index] + entry[index + 1 :] for entry in rows]


def unlabelled(folder: Path, *names: str) -> None:
    write_csv(folder / "images.csv", [(name, 96, 64, 0, "") for name in names], IMAGES_HEADER)


CASES = {
    "no table": Case(r"detections\.csv: no such", spoil=lambda folder: (folder / "detections.csv").unlink()),
    "empty table": Case(r"detections\.csv: the table has no box", rows=[]),
    "missing column": Case(
        r"column xmin is missing",
        rows=without_column(GOOD_ROWS, 5),
        header=("filename", "width", "height", "class", "score", "ymin", "xmax", "ymax"),
    ),
    "NaN": Case(r"line 6: xmin is 'nan', not a number", rows=[*GOOD_ROWS, row("d.jpg", (float("nan"), 1, 2, 3))]),
    "xmin > xmax": Case(r"line 6: xmin 9 is larger than xmax 2", rows=[*GOOD_ROWS, row("d.jpg", (9, 1, 2, 3))]),
    "box outside": Case(r"line 6: the box .* lies outside", rows=[*GOOD_ROWS, row("d.jpg", (200, 1, 220, 3))]),
    "empty class": Case(r"line 6: the class is empty", rows=[*GOOD_ROWS, row("d.jpg", BOX, "")]),
    "two sizes of one image": Case(
        r"line 6: d\.jpg is 10x10 here and 96x64 on line 5",
        rows=[*GOOD_ROWS, row("d.jpg", (1, 1, 2, 2), size_wh=(10, 10))],
    ),
    "size of another image": Case(
        r"d\.jpg: the image is 96x64 and the table says 64x96",
        rows=[*GOOD_ROWS[:3], row("d.jpg", BOX, size_wh=(64, 96))],
    ),
    "name that climbs": Case(r"'\.\./d\.jpg' leaves the folder", rows=[*GOOD_ROWS, row("../d.jpg", BOX)]),
    "absolute name": Case(r"'/etc/d\.jpg' leaves the folder", rows=[*GOOD_ROWS, row("/etc/d.jpg", BOX)]),
    "empty name": Case(r"'' leaves the folder", rows=[*GOOD_ROWS, row("", BOX)]),
    "no image folder": Case(
        r"no such image folder", spoil=lambda folder: (folder / "images").rename(folder / "elsewhere")
    ),
    "no image is there": Case(
        r"no image is left to write; the first: a\.jpg cannot be read",
        spoil=lambda folder: [path.rename(path.with_name(f"x{path.name}")) for path in folder.glob("images/*")],
    ),
    "strict": Case(
        r"images/c\.jpg: the file is empty",
        options=("--first", "2", "--strict"),
        spoil=lambda folder: (folder / "images" / "c.jpg").write_bytes(b""),
    ),
    "unknown class": Case(
        r"no box of horse, cow; the table's classes are person", options=("--first", "2", "--classes", "horse,cow")
    ),
    "class named twice": Case(r"names 'a' twice", options=("--classes", "a,b,a")),
    "empty class wanted": Case(r"has an empty name", options=("--classes", "person,")),
    "only unknown ids": Case(r"a known class \(all are N/A\)", rows=[row(f"{name}.jpg", BOX, "N/A") for name in "ab"]),
    "no area at all": Case(
        r"no image is left to write", rows=[row(f"{name}.jpg", (5, 5, 5, 9)) for name in "abcd"], options=()
    ),
    "all train": Case(r"--first 4 of 4 images leaves none to valid; give fewer", options=("--first", "4")),
    "far more than there are": Case(r"--first 900 of 4 images leaves none to valid", options=("--first", "900")),
    "fraction too small": Case(
        r"leaves none of 4 images to valid; give --first N, or --valid-fraction 0\.\d+",
        options=("--valid-fraction", "0.0001"),
    ),
    "fraction too large": Case(r"leaves none of 4 images to train", options=("--valid-fraction", "0.9999")),
    "one image": Case(r"all are of one group", rows=[row("a.jpg", BOX)], options=()),
    "pattern is none": Case(r"--group-by '\[' is not a regular expression", options=("--group-by", "[")),
    "pattern matches nothing": Case(
        r"--group-by 'cam' matches no file name, such as a\.jpg, b\.jpg, c\.jpg$", options=("--group-by", "cam")
    ),
    "pattern makes one group": Case(
        r"puts all images in one group \('jpg'\), such as a\.jpg, b\.jpg, c\.jpg$", options=("--group-by", "jpg$")
    ),
    "first and groups": Case(r"cannot be combined", options=("--first", "2", "--group-by", "^.")),
    "threshold for an unknown class": Case(
        r"--threshold horse=0\.4: no class 'horse' here; the classes are person",
        options=("--first", "2", "--threshold", "0.5,horse=0.4"),
    ),
    "threshold that is no number": Case(
        r"--threshold 'person=high': not a number", options=("--first", "2", "--threshold", "person=high")
    ),
    "threshold that is no score": Case(
        r"--threshold 50: a threshold lies from 0 to below 1", options=("--first", "2", "--threshold", "50")
    ),
    "threshold given twice": Case(
        r"--threshold has 'person' twice", options=("--first", "2", "--threshold", "person=0.4,person=0.5")
    ),
    "class without a threshold": Case(
        r"has none for car; put a number for all others first, as 0\.5,person=0\.4",
        options=("--first", "2", "--classes", "person,car", "--threshold", "person=0.4"),
    ),
    "ignored from the threshold": Case(
        r"--ignore-from 0\.5 is not below the threshold of person, 0\.5",
        options=("--first", "2", "--threshold", "0.5", "--ignore-from", "0.5"),
    ),
    "ignored without a threshold": Case(
        r"--ignore-from needs a threshold", options=("--first", "2", "--ignore-from", "0.2")
    ),
    "ignored from no score": Case(
        r"--ignore-from -1 is no score", options=("--first", "2", "--threshold", "0.5", "--ignore-from", "-1")
    ),
    "threshold given and chosen": Case(
        r"cannot be combined", options=("--threshold", "0.5", "--choose-thresholds", "scores")
    ),
    "no labelled sample": Case(r"labels\.csv: no such", options=("--first", "2", "--choose-thresholds", "labels.csv")),
    "weight that is none": Case(r"--f-beta 0: give a number above 0", options=("--first", "2", "--f-beta", "0")),
    "map in a circle": Case(r"--map renames 'a' to 'b' and 'b' to 'a'", options=("--map", "a=b,b=a")),
    "map with two names": Case(r"--map gives 'a' two names", options=("--map", "a=b,a=c")),
    "wanted class renamed away": Case(
        r"no box of person; the table's classes are human",
        options=("--first", "2", "--classes", "person", "--map", "person=human"),
    ),
    "ratio without negatives": Case(
        r"--negative-ratio limits the images that --keep-negatives keeps", options=("--negative-ratio", "2")
    ),
    "negative ratio": Case(
        r"--negative-ratio -1: give 0 or more", options=("--keep-negatives", "--negative-ratio", "-1")
    ),
    "no score is high enough": Case(r"no image is left to write", options=("--first", "2", "--threshold", "0.95")),
    "no images.csv": Case(r"images\.csv: missing", options=("--first", "2", "--keep-negatives")),
    "images.csv out of order": Case(
        r"images\.csv: a\.jpg stands after b\.jpg",
        options=("--first", "2", "--keep-negatives"),
        spoil=lambda folder: unlabelled(folder, "b.jpg", "a.jpg"),
    ),
    "images.csv that climbs": Case(
        r"'\.\./x\.jpg' leaves the folder",
        options=("--first", "2", "--keep-negatives"),
        spoil=lambda folder: unlabelled(folder, "../x.jpg"),
    ),
    "output with other files": Case(
        r"out: holds other files, such as thesis\.txt",
        spoil=lambda folder: draw_image(folder / "out" / "x.png").rename(folder / "out" / "thesis.txt"),
    ),
    "output is a file": Case(r"out: is a file", spoil=lambda folder: (folder / "out").write_text("mine")),
}


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", CASES)
def test_bad_input(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    for letter in "abcd":
        draw_image(tmp_path / "images" / f"{letter}.jpg", [BOX])
    table = tmp_path / "detections.csv"
    write_csv(table, case.rows, case.header) if case.header else write_csv(table, case.rows)
    case.spoil(tmp_path)
    before = files_below(tmp_path)

    arguments = ["--detections", table, "--images", tmp_path / "images", "--output", tmp_path / "out", *case.options]
    result = CliRunner().invoke(main, ["records", *map(str, arguments)])

    assert result.exit_code == 1, result.output
    lines = [line for line in result.stderr.splitlines() if not line.startswith("records: ")]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("detloop: error: ")
    assert re.search(case.message, lines[0]), lines[0]
    assert files_below(tmp_path) == before
    assert not list(tmp_path.glob("out.*"))


@pytest.mark.parametrize("name", ["name that climbs", "pattern makes one group", "unknown class", "class named twice"])
def test_found_before_any_image_is_read(tmp_path: Path, name: str) -> None:
    """With no readable image in the folder the error is still the table's or the option's."""
    case = CASES[name]
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "unreadable.jpg").write_bytes(b"x")
    table = write_csv(tmp_path / "detections.csv", case.rows)
    arguments = ["--detections", table, "--images", tmp_path / "images", "--output", tmp_path / "out", *case.options]
    result = CliRunner().invoke(main, ["records", *map(str, arguments), "--strict"])
    assert re.search(case.message, result.stderr.strip()), result.stderr
