"""Images that look alike on both sides of the split."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from detloop.errors import DetloopError, ImageError
from detloop.records import RecordsSummary, near_duplicates, write_records
from detloop.records.near_duplicates import NEAR_BITS, HashTable, difference_hash, nearest_hashes
from tests.records.read_back import read_split
from tests.tables import row, write_csv

hashes = st.lists(st.integers(0, 2**64 - 1), max_size=30)


def picture(seed: int, brighter: int = 0) -> Image.Image:
    """Large soft blotches, of which another seed gives others."""
    coarse = np.random.default_rng(seed).integers(40, 200, (8, 9), dtype=np.uint8) + brighter
    return Image.fromarray(coarse.astype(np.uint8)).resize((288, 256), Image.Resampling.BICUBIC).convert("RGB")


def encoded(image: Image.Image, image_format: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format)
    return buffer.getvalue()


def differing_bits(first: bytes, second: bytes) -> int:
    return (difference_hash(first) ^ difference_hash(second)).bit_count()


def test_a_picture_brighter_smaller_or_of_another_format_is_near_and_another_is_not() -> None:
    original = encoded(picture(1))
    for alike in (encoded(picture(1, 20)), encoded(picture(1).resize((144, 128))), encoded(picture(1), "PNG")):
        assert differing_bits(original, alike) <= NEAR_BITS
    assert differing_bits(original, encoded(picture(2))) > 15


def test_what_is_no_image_has_no_hash() -> None:
    with pytest.raises(ImageError, match="cannot be decoded"):
        difference_hash(b"no image")


@given(some=hashes, among=hashes)
def test_the_nearest_is_what_a_search_through_all_finds(some: list[int], among: list[int]) -> None:
    nearest, bits = nearest_hashes(np.array(some, np.uint64), np.array(among, np.uint64))
    for one, place, count in zip(some, nearest, bits, strict=True):
        assert count == min(((one ^ other).bit_count() for other in among), default=65)
        assert not among or (one ^ among[place]).bit_count() == count


def test_blocks_give_what_one_comparison_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    some, among = (rng.integers(0, 2**63, size, dtype=np.uint64) for size in (100, 70))
    whole = nearest_hashes(some, among)
    monkeypatch.setattr(near_duplicates, "COMPARED_AT_ONCE", 300)
    assert all(np.array_equal(left, right) for left, right in zip(whole, nearest_hashes(some, among), strict=True))


def test_moved_groups_draw_others_after_them() -> None:
    """valid b is like train a, b's group has c too, which is like d; e stays."""
    table = HashTable()
    table.add("a", "a", "train", 0)
    table.add("b", "bc", "valid", 0b11)
    table.add("c", "bc", "valid", 0xFFFF << 40)
    table.add("d", "d", "valid", 0xFFFE << 40)
    table.add("e", "e", "valid", 0xFFFF)
    moved = table.find_and_move()
    assert (moved.moved_groups, moved.moved_images, moved.images) == ({"bc", "d"}, 3, 1)
    assert [(pair.valid, pair.train, pair.bits) for pair in moved.examples] == [("b", "a", 2)]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=25))
def test_after_moving_nothing_is_near_across_the_split_and_no_group_is_parted(images: list[tuple[int, int]]) -> None:
    """Images of look-alikes 0 ... 5 in groups 0 ... 3, of which the even ones train."""
    table = HashTable()
    for number, (look, group) in enumerate(images):
        table.add(str(number), str(group), "valid" if group % 2 else "train", 0xFFF << (10 * look))
    try:
        found = table.find_and_move()
    except DetloopError:
        return
    sides = [found.side(str(group), "valid" if group % 2 else "train") for _, group in images]
    looks = {side: {look for (look, _), its in zip(images, sides, strict=True) if its == side} for side in set(sides)}
    assert not looks.get("train", set()) & looks.get("valid", set())


def records(folder: Path, looks: str, how: str) -> RecordsSummary:
    """Images 0.jpg ... of these looks; the first half trains."""
    rows = []
    (folder / "images").mkdir()
    for number, look in enumerate(looks):
        (folder / "images" / f"{number}.jpg").write_bytes(encoded(picture(ord(look))))
        rows.append(row(f"{number}.jpg", (10, 8, 50, 40), size_wh=(288, 256)))
    return write_records(
        detections=write_csv(folder / "detections.csv", rows),
        images=str(folder / "images"),
        output=folder / "out",
        first=len(looks) // 2,
        near_duplicates=how,
    )


def sides(folder: Path) -> str:
    return "".join(entry["split"][0] for entry in read_split(folder / "out"))


def test_near_duplicates_are_reported(tmp_path: Path) -> None:
    summary = records(tmp_path, "abcadd", "report")
    assert "warning: 1 of 3 valid images look almost like train images, such as 3.jpg ~ 0.jpg" in str(summary)
    assert sides(tmp_path) == "tttvvv"


def test_near_duplicates_are_moved_to_train(tmp_path: Path) -> None:
    summary = records(tmp_path, "abcadd", "move")
    assert "moved 1 images to train: 1 of 3 valid images" in str(summary)
    assert sides(tmp_path) == "ttttvv"
    assert summary.images == {"train": 4, "valid": 2}


def test_moving_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DetloopError, match=r"would leave no image to validate on: .* such as 2\.jpg and 0\.jpg"):
        records(tmp_path, "abab", "move")
    assert not (tmp_path / "out").exists()


def test_nothing_found(tmp_path: Path) -> None:
    assert "no near-duplicates across the split, of 2 valid images" in str(records(tmp_path, "abcd", "report"))
