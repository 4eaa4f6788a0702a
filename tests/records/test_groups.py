"""Groups of images: by name, by time, by a column of a manifest."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from detloop.cli import main
from detloop.records.groups import ByPattern, ByTime
from detloop.records.split import HashOfGroup
from tests.drawn import draw_image
from tests.records.read_back import read_split
from tests.tables import row, write_csv

BOX = (10, 8, 50, 40)


@pytest.mark.parametrize(
    ("pattern", "name", "group"),
    [
        (r"^[^/]+", "street/1.jpg", "street"),
        (r"(\w+)_\d+", "clip_07.jpg", "clip"),
        (r"(a)?x", "x.jpg", "x.jpg"),
        (r"clip\d", "other.jpg", "other.jpg"),
    ],
)
def test_the_group_is_what_the_pattern_matched(pattern: str, name: str, group: str) -> None:
    assert HashOfGroup(0.2, ByPattern(re.compile(pattern))).group(0, name) == group


@given(block=st.integers(1, 50), images=st.integers(1, 300), fraction=st.floats(0.01, 0.99))
def test_frames_of_a_block_are_never_parted(block: int, images: int, fraction: float) -> None:
    split = HashOfGroup(fraction, ByTime(block))
    groups = [split.group(position, f"{position:06d}.jpg") for position in range(images)]
    sides = [split.side(position, group) for position, group in enumerate(groups)]
    for start in range(0, images, block):
        assert len(set(groups[start : start + block])) == len(set(sides[start : start + block])) == 1
    assert len(set(groups)) == -(-images // block)


def records(folder: Path, *options: str) -> Result:
    """Records of ten frames, 000.jpg ... 009.jpg, in the folder `out`."""
    names = [f"{number:03d}.jpg" for number in range(10)]
    for name in names:
        draw_image(folder / "images" / name, [BOX])
    table = write_csv(folder / "detections.csv", [row(name, BOX) for name in names])
    arguments = ["--detections", table, "--images", folder / "images", "--output", folder / "out", *options]
    return CliRunner().invoke(main, ["records", *map(str, arguments)])


def test_blocks_of_frames_stay_on_one_side(tmp_path: Path) -> None:
    result = records(tmp_path, "--group-by-time", "3", "--valid-fraction", "0.5")
    assert result.exit_code == 0, result.output
    written = read_split(tmp_path / "out")
    assert [entry["group"] for entry in written[:4]] == ["000000-000002"] * 3 + ["000003-000005"]
    for start in range(0, 10, 3):
        assert len({entry["split"] for entry in written[start : start + 3]}) == 1


def manifest(folder: Path, cameras: str) -> str:
    rows = [(f"{number:03d}.jpg", camera) for number, camera in enumerate(cameras)]
    return str(write_csv(folder / "manifest.csv", rows, ("filename", "camera")))


def test_images_of_one_camera_stay_on_one_side(tmp_path: Path) -> None:
    options = ["--group-by-column", "camera", "--manifest", manifest(tmp_path, "abcdabcdab")]
    result = records(tmp_path, *options, "--valid-fraction", "0.5")
    assert result.exit_code == 0, result.output
    written = read_split(tmp_path / "out")
    assert "".join(entry["group"] for entry in written) == "abcdabcdab"
    assert all(len({entry["split"] for entry in written if entry["group"] == camera}) == 1 for camera in "abcd")


@pytest.mark.parametrize(
    ("cameras", "options", "message"),
    [
        ("aaaaaaaaaa", ["--group-by-column", "camera"], r"puts all images in one group \('a'\), such as 000"),
        ("", ["--group-by-column", "camera"], r"manifest\.csv: has no row for 000\.jpg"),
        ("abcde", ["--group-by-column", "lens"], r"column lens is missing; it has filename, camera"),
        ("abcde", [], r"--group-by-column and --manifest belong together"),
        ("abcde", ["--group-by-column", "camera", "--group-by", "a"], r"--group-by and --group-by-column cannot"),
    ],
)
def test_a_manifest_that_does_not_help(tmp_path: Path, cameras: str, options: list[str], message: str) -> None:
    result = records(tmp_path, *options, "--manifest", manifest(tmp_path, cameras))
    assert result.exit_code == 1
    assert re.search(message, result.stderr), result.stderr


def test_a_manifest_without_values_groups_nothing(tmp_path: Path) -> None:
    rows = [(f"{number:03d}.jpg", "") for number in range(10)]
    path = write_csv(tmp_path / "manifest.csv", rows, ("filename", "camera"))
    result = records(tmp_path, "--group-by-column", "camera", "--manifest", str(path))
    assert "--group-by-column camera matches no file name, such as 000.jpg, 001.jpg, 002.jpg" in result.stderr


def test_a_block_as_long_as_the_film_is_one_group(tmp_path: Path) -> None:
    result = records(tmp_path, "--group-by-time", "10")
    assert "--group-by-time 10 puts all images in one group ('000000-000009'), such as 000.jpg" in result.stderr
