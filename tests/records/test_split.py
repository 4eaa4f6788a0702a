"""Which images train and which validate."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from detloop.errors import DetloopError
from detloop.records.groups import ByPattern, ByTime, Grouping
from detloop.records.split import TRAIN, VALID, FirstImages, HashOfGroup, choose_split, fraction_between, hash_fraction

names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


def sides(split: HashOfGroup | FirstImages, filenames: list[str]) -> dict[str, str]:
    return {name: split.side(place, split.group(place, name)) for place, name in enumerate(sorted(filenames))}


@given(st.lists(names, unique=True), st.lists(names, unique=True), st.floats(0.01, 0.99))
def test_other_images_do_not_move_an_image(some: list[str], more: list[str], fraction: float) -> None:
    split = HashOfGroup(fraction)
    alone, together = sides(split, some), sides(split, [*some, *more])
    assert alone == {name: together[name] for name in some}


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 99)), unique=True), st.floats(0.01, 0.99))
def test_a_group_is_never_divided(camera_and_frame: list[tuple[int, int]], fraction: float) -> None:
    split = HashOfGroup(fraction, ByPattern(re.compile(r"^camera\d")))
    of_name = sides(split, [f"camera{camera}/{frame}.jpg" for camera, frame in camera_and_frame])
    for camera in range(10):
        assert len({side for name, side in of_name.items() if name.startswith(f"camera{camera}/")}) <= 1


@given(names, st.floats(0.01, 0.98))
def test_a_larger_fraction_takes_no_image_from_valid(name: str, fraction: float) -> None:
    if HashOfGroup(fraction).side(0, name) == VALID:
        assert HashOfGroup(fraction + 0.01).side(0, name) == VALID


def test_the_sides_are_the_same_on_every_machine() -> None:
    """BLAKE2b of 8 bytes, computed by coreutils: printf %s NAME | b2sum -l 64."""
    assert hash_fraction("000001.jpg") == int("aedfdc635e4c87f1", 16) / 2**64
    assert hash_fraction("Straße.jpg") == int("f10f6b72f6fefd1a", 16) / 2**64


def test_the_share_that_validates_is_near_the_fraction() -> None:
    of_name = sides(HashOfGroup(0.2), [f"{number:06d}.jpg" for number in range(10_000)])
    assert 0.18 < list(of_name.values()).count(VALID) / 10_000 < 0.22


def test_the_first_images_train() -> None:
    assert sides(FirstImages(2), ["c", "a", "b"]) == {"a": TRAIN, "b": TRAIN, "c": VALID}


@given(st.lists(st.floats(0, 0.999999), min_size=1))
def test_the_fraction_advised_gives_both_sides_images(fractions: list[float]) -> None:
    assume(max(fractions) - min(fractions) > 1e-9 or max(fractions) == min(fractions))
    between = fraction_between(fractions)
    assert (between is None) == (len(set(fractions)) == 1)
    if between is not None:
        assert min(fractions) < between
        assert any(fraction >= between for fraction in fractions)


@pytest.mark.parametrize(
    ("first", "fraction", "grouping", "message"),
    [
        (3, 0.2, ByPattern(re.compile("a")), "--first and --group-by 'a'"),
        (3, 0.2, ByTime(5), "--first and --group-by-time 5"),
        (None, 0.0, None, "--valid-fraction 0 leaves"),
        (None, 1.0, None, "--valid-fraction 1 leaves"),
    ],
)
def test_options_that_cannot_be_met(
    first: int | None, fraction: float, grouping: Grouping | None, message: str
) -> None:
    with pytest.raises(DetloopError, match=re.escape(message)):
        choose_split(first, fraction, grouping)
