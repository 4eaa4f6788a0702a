"""The trust that the options ask for; thresholds that they leave open are chosen by a first reading of the table."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from detloop.detections import ImageDetections, read_detections
from detloop.errors import DetloopError
from detloop.labels import ClassMap
from detloop.records.best_f_beta import best_f_beta_thresholds
from detloop.records.classes import renamed
from detloop.records.score_valley import LOWEST_COUNTED, valley_thresholds
from detloop.records.thresholds import ClassThreshold, lowest_threshold, parse_thresholds
from detloop.records.trust import Trust, check_ignore_from

FROM_SCORES = "scores"


@dataclass(frozen=True)
class TrustOptions:
    """What `detloop records` was asked to make of scores; `write_records` says what each means."""

    threshold: str | None = None
    choose_thresholds: str | None = None
    f_beta: float = 1.0
    ignore_from: float | None = None
    score_weights: bool = False

    def __post_init__(self) -> None:
        if self.threshold is not None and self.choose_thresholds is not None:
            raise DetloopError("--threshold and --choose-thresholds cannot be combined; give one")
        if not self.f_beta > 0:
            raise DetloopError(f"--f-beta {self.f_beta:g}: give a number above 0; 1 weighs misses as false boxes")


def choose_trust(
    options: TrustOptions,
    classes: Sequence[str],
    class_map: ClassMap,
    table_images: Callable[[], Iterator[ImageDetections]],
) -> Trust:
    """Reads the table once where thresholds are to be chosen.

    Args:
        table_images: starts a reading of the table, its classes under their new names.

    Raises:
        DetloopError: the options do not fit the classes, each other, or the labelled sample.
    """
    thresholds = _thresholds(options, classes, class_map, table_images)
    check_ignore_from(options.ignore_from, thresholds)
    return Trust(thresholds, options.ignore_from, options.score_weights)


def _thresholds(
    options: TrustOptions,
    classes: Sequence[str],
    class_map: ClassMap,
    table_images: Callable[[], Iterator[ImageDetections]],
) -> tuple[ClassThreshold, ...]:
    if options.threshold is not None:
        return parse_thresholds(options.threshold, classes)
    if options.choose_thresholds is None:
        return ()
    if options.choose_thresholds == FROM_SCORES:
        return valley_thresholds(table_images(), classes)
    labelled = renamed(read_detections(Path(options.choose_thresholds)), class_map)
    return best_f_beta_thresholds(labelled, table_images(), classes, options.f_beta)


def lowest_score_needed(threshold: str | None, choose_thresholds: str | None, ignore_from: float | None) -> float:
    """The threshold with which a teacher must detect for these options; 1 where they need no low scores.

    Raises:
        DetloopError: `threshold` is none.
    """
    needed = [1.0]
    if threshold:
        needed.append(lowest_threshold(threshold))
    if choose_thresholds:
        needed.append(LOWEST_COUNTED)
    if ignore_from is not None:
        # A detector writes what lies above its threshold, in six decimals; the band holds its lower end.
        needed.append(max(ignore_from - 1e-6, 0.0))
    return min(needed)
