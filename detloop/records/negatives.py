"""How many images without an object are written: at most so many for each image with one, evenly spread."""

from collections import Counter
from math import floor

from detloop.errors import DetloopError


class NegativeQuota:
    """Which negatives of each side are kept, decided as they come in the order of their names.

    Of N negatives, of which K may stay, the i-th (from 0) stays when K (i + 1) / N reaches a whole number that K i / N
    had not: Bresenham's rule for a line, which spreads K as evenly over N as whole numbers can be.
    """

    def __init__(self, ratio: float, with_objects: Counter[str], negatives: Counter[str]) -> None:
        """
        Args:
            ratio: negatives for each image with objects, on each side.
            with_objects, negatives: images of each side.
        """
        self._negatives = negatives
        self._kept = {side: min(negatives[side], floor(ratio * with_objects[side])) for side in negatives}
        self._seen: Counter[str] = Counter()

    def keeps(self, side: str) -> bool:
        """Whether the next negative of a side is written."""
        before, all_of_side, kept = self._seen[side], self._negatives[side], self._kept[side]
        self._seen[side] += 1
        return (before + 1) * kept // all_of_side > before * kept // all_of_side


def check_negative_ratio(ratio: float | None, keep_negatives: bool) -> None:
    """Raises DetloopError for a ratio below 0, or one without --keep-negatives."""
    if ratio is None:
        return
    if not ratio >= 0:
        raise DetloopError(f"--negative-ratio {ratio:g}: give 0 or more negatives for each image with a box")
    if not keep_negatives:
        raise DetloopError("--negative-ratio limits the images that --keep-negatives keeps; give that too")
