"""The score that a box of each class must exceed: as given by hand, or chosen."""

from collections.abc import Sequence
from dataclasses import dataclass

from detloop.errors import DetloopError

FOR_ALL = ""


@dataclass(frozen=True)
class ClassThreshold:
    """The score that boxes of a class must exceed, and why it is this one, in words."""

    class_name: str
    threshold: float
    reason: str


def parse_thresholds(text: str, classes: Sequence[str]) -> tuple[ClassThreshold, ...]:
    """Reads `0.5`, `person=0.6,car=0.4`, or `0.5,person=0.6`, where the number alone is for all other classes.

    Args:
        classes: the names wanted; there is one threshold for each.

    Raises:
        DetloopError: a threshold is no number from 0 to below 1, its class is not wanted, or a class has none or two.
    """
    given: dict[str, float] = {}
    for part in text.split(","):
        name, equals, number = part.rpartition("=")
        name = name.strip()
        if equals and name not in classes:
            raise DetloopError(f"--threshold {part.strip()}: no class {name!r} here; the classes are {_some(classes)}")
        if name in given:
            raise DetloopError(
                f"--threshold has {f'{name!r} twice' if name else 'two numbers without a class'}: {text}"
            )
        given[name] = _score(number, part)
    without = [name for name in classes if name not in given]
    if without and FOR_ALL not in given:
        raise DetloopError(
            f"--threshold {text} has none for {_some(without)}; put a number for all others first, as 0.5,{text}"
        )
    return tuple(ClassThreshold(name, given.get(name, given.get(FOR_ALL, 0.0)), "as given") for name in classes)


def lowest_threshold(text: str) -> float:
    """The lowest number in what `parse_thresholds` reads.

    Raises:
        DetloopError: a threshold is no number from 0 to below 1.
    """
    return min(_score(part.rpartition("=")[2], part) for part in text.split(","))


def _score(number: str, part: str) -> float:
    try:
        score = float(number)
    except ValueError:
        raise DetloopError(
            f"--threshold {part.strip()!r}: not a number; give 0.5, or one a class as person=0.6,car=0.4"
        ) from None
    if not 0 <= score < 1:
        raise DetloopError(f"--threshold {part.strip()}: a threshold lies from 0 to below 1")
    return score


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
