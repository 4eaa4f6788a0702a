"""What a box's score makes of it: an object, a place to ignore, or nothing; and how much an object weighs."""

from dataclasses import dataclass, field
from enum import Enum

from detloop.errors import DetloopError
from detloop.records.thresholds import ClassThreshold


class Standing(Enum):
    """What a box is to the training."""

    OBJECT = "object"
    IGNORED = "ignored"
    DROPPED = "dropped"


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

    def standing(self, class_name: str, score: float) -> Standing:
        """What a box of a class and score is."""
        threshold = self._threshold_of.get(class_name)
        if threshold is None or score > threshold:
            return Standing.OBJECT
        if self.ignore_from is not None and score >= self.ignore_from:
            return Standing.IGNORED
        return Standing.DROPPED

    def weight(self, score: float) -> float:
        """An object's weight, above 0 and at most 1.

        Raises:
            DetloopError: the score is none of those.
        """
        if not self.score_weights:
            return 1.0
        if not 0 < score <= 1:
            raise DetloopError(f"a box has score {score:g}; --score-weights needs scores above 0 and up to 1")
        return score


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
