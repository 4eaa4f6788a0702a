"""What was decided about the labels, as the report shows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ScoreRules:
    """What a box's score makes of it.

    Attributes:
        thresholds: the score that a box of each class must exceed to be learned; a class without one keeps all.
        reasons: why each threshold is this one, in words.
        ignore_from: boxes from this score to the threshold are ignored, neither object nor background; None for none.
    """

    thresholds: Mapping[str, float] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    ignore_from: float | None = None


@dataclass(frozen=True)
class LeftOut:
    """One kind of things that were left out or changed.

    Attributes:
        what: as "boxes without area".
        count: how many of them.
        why: what was wrong with them, or what the user asked for.
        examples: some or all of them, a line each.
    """

    what: str
    count: int
    why: str
    examples: tuple[str, ...] = ()
