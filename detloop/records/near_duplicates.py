"""Images that look almost alike on both sides of the split, found by perceptual hashes, and moved together if asked.

In memory are a name, a group and a hash an image: about 200 bytes.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from PIL import Image

from detloop.errors import DetloopError, ImageError
from detloop.images import ImageSource
from detloop.records.split import TRAIN, VALID

HASH_WH = (9, 8)
NEAR_BITS = 4
COMPARED_AT_ONCE = 1 << 24
SHOWN_PAIRS = 24


@dataclass(frozen=True)
class NearPair:
    """A valid image, the train image most like it, and how many of 64 bits of their hashes differ."""

    valid: str
    train: str
    bits: int


@dataclass(frozen=True)
class NearDuplicates:
    """What was found across the split, as the options drew it.

    Attributes:
        images: valid images that have a near-duplicate among the train images.
        of_images: valid images compared.
        examples: the first pairs found, in the order of the valid names.
        moved_groups: groups that were moved from valid to train.
        moved_images: how many images they have.
    """

    images: int
    of_images: int
    examples: tuple[NearPair, ...]
    moved_groups: frozenset[str] = frozenset()
    moved_images: int = 0

    def side(self, group: str, side: str) -> str:
        """The side that a group is on."""
        return TRAIN if group in self.moved_groups else side

    def __str__(self) -> str:
        if not self.images:
            return f"no near-duplicates across the split, of {self.of_images} valid images"
        shown = ", ".join(f"{pair.valid} ~ {pair.train}" for pair in self.examples[:3])
        what = f"{self.images} of {self.of_images} valid images look almost like train images, such as {shown}"
        return f"moved {self.moved_images} images to train: {what}" if self.moved_groups else f"warning: {what}"


def difference_hash(stored: bytes) -> int:
    """64 bits: whether each pixel of the image in grey, at 9x8 pixels, is brighter than its left neighbour.

    A JPEG is decoded at an eighth of its size at most. Source: N. Krawetz, Kind of Like That, hackerfactor.com, 2013.

    Raises:
        ImageError: it cannot be decoded.
    """
    try:
        with Image.open(io.BytesIO(stored)) as image:
            image.draft("L", (HASH_WH[0] * 2, HASH_WH[1] * 2))
            pixels = np.asarray(image.convert("L").resize(HASH_WH, Image.Resampling.BOX), dtype=np.int16)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ImageError(f"cannot be decoded: {error}") from None
    return int.from_bytes(np.packbits(pixels[:, 1:] > pixels[:, :-1]).tobytes(), "big")


class HashTable:
    """The hashes of the images that will be written."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._groups: list[str] = []
        self._hashes: list[int] = []
        self._is_valid: list[bool] = []

    def add(self, filename: str, group: str, side: str, image_hash: int) -> None:
        self._names.append(filename)
        self._groups.append(group)
        self._hashes.append(image_hash)
        self._is_valid.append(side == VALID)

    def find(self) -> NearDuplicates:
        """The valid images that are near a train image."""
        hashes, is_valid = self._arrays()
        valid, train = np.flatnonzero(is_valid), np.flatnonzero(~is_valid)
        nearest, bits = nearest_hashes(hashes[valid], hashes[train])
        near = bits <= NEAR_BITS
        examples = [
            NearPair(self._names[image], self._names[train[other]], int(differing))
            for image, other, differing in zip(valid[near], nearest[near], bits[near], strict=True)
        ]
        return NearDuplicates(int(near.sum()), len(valid), tuple(examples[:SHOWN_PAIRS]))

    def find_and_move(self) -> NearDuplicates:
        """Moves groups from valid to train until no valid image is near a train image.

        A moved group may be near others that then have to follow.

        Raises:
            DetloopError: nothing would be left to validate on.
        """
        found = self.find()
        hashes, is_valid = self._arrays()
        group_ids = np.unique(np.array(self._groups), return_inverse=True)[1]
        moved = np.zeros(len(hashes), dtype=bool)
        fresh = ~is_valid
        while fresh.any():
            waiting = np.flatnonzero(is_valid & ~moved)
            near = nearest_hashes(hashes[waiting], hashes[fresh])[1] <= NEAR_BITS
            fresh = np.isin(group_ids, np.unique(group_ids[waiting[near]])) & ~moved
            moved |= fresh
        if moved.any() and not (is_valid & ~moved).any():
            raise DetloopError(
                "--near-duplicates move would leave no image to validate on: each is linked to a train image by images"
                f" that look alike, such as {found.examples[0].valid} and {found.examples[0].train}; report them only"
            )
        groups = frozenset(self._groups[image] for image in np.flatnonzero(moved))
        return NearDuplicates(found.images, found.of_images, found.examples, groups, int(moved.sum()))

    def _arrays(self) -> tuple[np.ndarray, np.ndarray]:
        return np.array(self._hashes, dtype=np.uint64), np.array(self._is_valid, dtype=bool)


def nearest_hashes(hashes: np.ndarray, among: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each of some hashes (uint64 [n]) the index of the first nearest `among` others, and the bits that differ.

    Equal hashes are compared once, in blocks of at most COMPARED_AT_ONCE pairs; 65 bits where there is no other.
    """
    if not len(among):
        return np.zeros(len(hashes), dtype=np.int64), np.full(len(hashes), 65)
    distinct, place = np.unique(hashes, return_inverse=True)
    others, first_of_other = np.unique(among, return_index=True)
    nearest, bits = np.zeros(len(distinct), dtype=np.int64), np.zeros(len(distinct), dtype=np.int64)
    rows = max(1, COMPARED_AT_ONCE // len(others))
    for start in range(0, len(distinct), rows):
        block = slice(start, start + rows)
        differing = np.bitwise_count(distinct[block, np.newaxis] ^ others[np.newaxis, :])
        nearest[block] = differing.argmin(axis=1)
        bits[block] = differing.min(axis=1)
    return first_of_other[nearest[place]], bits[place]


def hash_images(images: Iterable[tuple[str, str, str]], source: ImageSource) -> HashTable:
    """Hashes the images of (filename, group, side); those that cannot be decoded are left to who writes them."""
    table = HashTable()
    for (filename, group, side), read_bytes in source.read_ahead(images, itemgetter(0)):
        try:
            table.add(filename, group, side, difference_hash(read_bytes()))
        except ImageError:
            continue
    return table
