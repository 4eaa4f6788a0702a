"""Which side of the split an image is on: decided by its name, or its place in the order of the names, alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from math import floor
from typing import Protocol

from detloop.errors import DetloopError
from detloop.records.groups import Grouping

TRAIN, VALID = "train", "valid"


class Split(Protocol):
    """A rule that gives every image its side and its group."""

    def group(self, position: int, filename: str) -> str:
        """What the image at a position (from 0) in the order of the names belongs to; a group is on one side."""

    def side(self, position: int, group: str) -> str:
        """TRAIN or VALID for the image at a position in the order of the names."""

    def empty_side_advice(self, empty: str, images: int, groups: Iterable[str]) -> str:
        """What to change when none of the images written, which are of these groups, fell to a side."""


@dataclass(frozen=True)
class FirstImages:
    """The first images in the order of the names train, the rest validate.

    Images that are left out later (no wanted box, unreadable) keep their place, so that an image's side does not hang
    on the classes wanted.
    """

    count: int

    def group(self, position: int, filename: str) -> str:
        return filename

    def side(self, position: int, group: str) -> str:
        return TRAIN if position < self.count else VALID

    def empty_side_advice(self, empty: str, images: int, groups: Iterable[str]) -> str:
        more_or_fewer = "more" if empty == TRAIN else "fewer"
        return f"--first {self.count} of {images} images leaves none to {empty}; give {more_or_fewer}"


@dataclass(frozen=True)
class HashOfGroup:
    """A group validates when the hash of its name, as a fraction of the largest hash, is below `valid_fraction`.

    The side depends on the group's name alone: it is the same on every machine and does not change when images are
    added or removed. The price is that the share of images that validate only comes near `valid_fraction`.
    """

    valid_fraction: float
    grouping: Grouping | None = None

    def group(self, position: int, filename: str) -> str:
        """The image's group; the name itself where it is in none."""
        return (self.grouping.group(position, filename) if self.grouping else None) or filename

    def side(self, position: int, group: str) -> str:
        return VALID if hash_fraction(group) < self.valid_fraction else TRAIN

    def empty_side_advice(self, empty: str, images: int, groups: Iterable[str]) -> str:
        what = f"the hash split at --valid-fraction {self.valid_fraction:g} leaves none of {images} images to {empty}"
        better = fraction_between(map(hash_fraction, groups))
        if better is None:
            return f"{what}: all are of one group; label images of other groups, or split with --first N"
        return f"{what}; give --first N, or --valid-fraction {better:g}"


def fraction_between(fractions: Iterable[float]) -> float | None:
    """The shortest decimal above the lowest and at most the highest of the fractions; None when these are equal."""
    lowest, highest = 1.0, 0.0
    for fraction in fractions:
        lowest, highest = min(lowest, fraction), max(highest, fraction)
    if lowest >= highest:
        return None
    scale = 10
    while (floor(lowest * scale) + 1) / scale > highest:
        scale *= 10
    return (floor(lowest * scale) + 1) / scale


def hash_fraction(group: str) -> float:
    """The group's place in 0..1, evenly spread: the first 8 bytes of its BLAKE2b hash over 2^64."""
    digest = blake2b(group.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2.0**64


def choose_split(first: int | None, valid_fraction: float, grouping: Grouping | None) -> Split:
    """The rule that the options ask for.

    Raises:
        DetloopError: the options contradict each other.
    """
    if first is not None:
        if grouping is not None:
            raise DetloopError(f"--first and {grouping.option} cannot be combined: the first images may divide a group")
        return FirstImages(first)
    if not 0 < valid_fraction < 1:
        raise DetloopError(f"--valid-fraction {valid_fraction:g} leaves one side empty; give one between 0 and 1")
    return HashOfGroup(valid_fraction, grouping)
