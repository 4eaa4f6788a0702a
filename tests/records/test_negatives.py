"""How many negatives are written, and which."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detloop.records import write_records
from detloop.records.negatives import NegativeQuota
from tests.drawn import draw_image
from tests.records.read_back import read_split
from tests.tables import IMAGES_HEADER, row, write_csv

BOX = (10, 8, 50, 40)


def kept(ratio: float, with_objects: int, negatives: int) -> list[bool]:
    quota = NegativeQuota(ratio, Counter({"train": with_objects}), Counter({"train": negatives}))
    return [quota.keeps("train") for _ in range(negatives)]


@given(ratio=st.floats(0, 5), with_objects=st.integers(0, 40), negatives=st.integers(0, 40))
def test_as_many_as_the_ratio_allows_evenly_spread(ratio: float, with_objects: int, negatives: int) -> None:
    decisions = kept(ratio, with_objects, negatives)
    assert sum(decisions) == min(negatives, int(ratio * with_objects))
    for length in range(1, negatives + 1):
        windows = [sum(decisions[start : start + length]) for start in range(negatives - length + 1)]
        assert max(windows) - min(windows) <= 1


def test_the_sides_have_quotas_of_their_own() -> None:
    quota = NegativeQuota(1, Counter({"train": 1, "valid": 3}), Counter({"train": 4, "valid": 4}))
    decisions = [(side, quota.keeps(side)) for _ in range(4) for side in ("train", "valid")]
    assert Counter(side for side, keeps in decisions if keeps) == {"train": 1, "valid": 3}


def write(tmp_path: Path, ratio: float | None) -> list[str]:
    """The names written of images a (train) and z (valid) with boxes and b ... i, r ... y without."""
    names = [*"abcdefghi", *"rstuvwxyz"]
    for name in names:
        draw_image(tmp_path / "images" / f"{name}.jpg", [BOX])
    table = write_csv(tmp_path / "detections.csv", [row("a.jpg", BOX), row("z.jpg", BOX)])
    write_csv(tmp_path / "images.csv", [(f"{name}.jpg", 96, 64, 0, "") for name in names], IMAGES_HEADER)
    summary = write_records(
        detections=table,
        images=str(tmp_path / "images"),
        output=tmp_path / "out",
        first=9,
        keep_negatives=True,
        negative_ratio=ratio,
    )
    written = [entry["filename"].removesuffix(".jpg") for entry in read_split(tmp_path / "out")]
    assert summary.negatives == len(written) - 2
    assert summary.surplus_negatives == len(names) - len(written)
    return written


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [(None, "abcdefghirstuvwxyz"), (0, "az"), (1, "aiyz"), (2, "aeiuyz"), (100, "abcdefghirstuvwxyz")],
)
def test_negatives_are_written_up_to_the_ratio(tmp_path: Path, ratio: float | None, expected: str) -> None:
    assert "".join(write(tmp_path, ratio)) == expected
