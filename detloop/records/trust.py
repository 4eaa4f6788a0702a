"""What a box's score makes of it: an object, a place to ignore, or nothing; and how much an object weighs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from detloop.errors import DetloopError
from detloop.records.thresholds import ClassThreshold


@dataclass(frozen=True)
class Trust:
    """How scores are judged.

    Attributes:
        thresholds: boxes of a class with a score strictly above its threshold are objects; a class that has none
            keeps all its boxes.
        ignore_from: other boxes with a score of at least this are ignored, neither object nor background; None for no
            such band.
        score_weights: whether an object weighs as much as its score, instead of 1.
    """

    thresholds: tuple[ClassThreshold, ...] = ()
    ignore_from: float | None = None
    score_weights: bool = False
    _threshold_of: dict[str, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_threshold_of", {one.class_name: one.threshold for one in self.thresholds})

    @property
    def writes_weights(self) -> bool:
        """Whether the records say more of a box than that it is there."""
        return self.score_weights or self.ignore_from is not None

    def judge(self, class_names: Sequence[str], scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which boxes are objects, and which are ignored, bool [n] each; what is neither is nothing.

        Args:
            class_names: n names.
            scores: float [n].
        """
        thresholds = np.array([self._threshold_of.get(name, -np.inf) for name in class_names], dtype=np.float64)
        is_object = scores > thresholds
        if self.ignore_from is None:
            return is_object, np.zeros_like(is_object)
        return is_object, ~is_object & (scores >= self.ignore_from)

    def weights(self, scores: np.ndarray) -> np.ndarray:
        """The weights, float [n], of objects, by their scores; NaN where a score is none, as it is not in (0, 1]."""
        if not self.score_weights:
            return np.ones_like(scores)
        return np.where((scores > 0) & (scores <= 1), scores, np.nan)


def check_ignore_from(ignore_from: float | None, thresholds: tuple[ClassThreshold, ...]) -> None:
    """Whether the uncertain band lies below every threshold.

    Raises:
        DetloopError: it does not, or there is no threshold to lie below.
    """
    if ignore_from is None:
        return
    if not 0 <= ignore_from < 1:
        raise DetloopError(f"--ignore-from {ignore_from:g} is no score; give one from 0 to below 1")
    if not thresholds:
        raise DetloopError("--ignore-from needs a threshold to lie below; give --threshold or --choose-thresholds too")
    for one in thresholds:
        if ignore_from >= one.threshold:
            raise DetloopError(
                f"--ignore-from {ignore_from:g} is not below the threshold of {one.class_name}, {one.threshold:g};"
                " give a lower one"
            )
