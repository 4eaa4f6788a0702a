"""A threshold for each class without any label: where its scores fall apart into low and high ones."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from detloop.detections import ImageDetections
from detloop.records.thresholds import ClassThreshold

BINS = 256
FEWEST_BOXES = 50
EVEN_SPREAD = 0.75
LOWEST_COUNTED = 0.05
MUST_REACH_DOWN_TO = 0.1
FALLBACK = 0.5


@dataclass(frozen=True)
class Split:
    """Otsu's threshold of some scores and its separability, from 0 (one group) to 1 (two points)."""

    threshold: float
    separability: float


def valley_thresholds(detections: Iterable[ImageDetections], classes: Sequence[str]) -> tuple[ClassThreshold, ...]:
    """For each class Otsu's threshold of its scores, where these are many and do fall into two groups.

    Scores below LOWEST_COUNTED do not count: how many there are is the detector's setting, and they would draw the
    threshold down. A class with fewer than FEWEST_BOXES boxes takes the threshold of all classes together. Where the
    table does not reach down to the low scores, the method would split the high ones; where scores are no better
    separated than an even spread would be (EVEN_SPREAD), they have no valley. For these it is FALLBACK. In memory are
    BINS counts a class.
    """
    histograms: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(BINS, dtype=np.int64))
    for image in detections:
        for name in set(image.class_names) & set(classes):
            scores = image.scores[[class_name == name for class_name in image.class_names]]
            histograms[name] += np.histogram(scores[scores >= LOWEST_COUNTED].clip(0, 1), BINS, (0, 1))[0]
    everything = np.sum([histograms[name] for name in classes], axis=0)
    return tuple(_threshold(name, histograms[name], everything) for name in classes)


def _threshold(name: str, counts: np.ndarray, everything: np.ndarray) -> ClassThreshold:
    boxes = int(counts.sum())
    if not everything[: round(MUST_REACH_DOWN_TO * BINS)].any():
        reason = f"the usual one, since no box scores below {MUST_REACH_DOWN_TO:g}; detect with a lower threshold"
        return ClassThreshold(name, FALLBACK, reason)
    if boxes >= FEWEST_BOXES:
        split, whose = otsu(counts), f"its {boxes} scores"
    elif everything.sum() >= FEWEST_BOXES:
        split, whose = otsu(everything), f"the scores of all classes, since it has only {boxes} boxes,"
    else:
        return ClassThreshold(name, FALLBACK, f"the usual one, since all classes have only {everything.sum()} boxes")
    if split.separability <= EVEN_SPREAD:
        return ClassThreshold(name, FALLBACK, f"the usual one, since {whose} fall into no two groups")
    return ClassThreshold(name, split.threshold, f"where {whose} fall into low and high, by Otsu's method")


def otsu(counts: np.ndarray) -> Split:
    """The edge between the bins of a histogram over 0..1 that leaves the least variance within its two sides.

    Separability is the share of the variance that lies between the two. Source: N. Otsu, A threshold selection method
    from gray-level histograms, IEEE Transactions on Systems, Man, and Cybernetics 9 (1979).
    """
    shares = counts / counts.sum()
    centers = (np.arange(BINS) + 0.5) / BINS
    low_share, low_sum = np.cumsum(shares)[:-1], np.cumsum(shares * centers)[:-1]
    mean = float((shares * centers).sum())
    variance = float((shares * (centers - mean) ** 2).sum())
    if variance == 0:
        return Split(FALLBACK, 0.0)
    spread = low_share * (1 - low_share)
    between = np.divide((mean * low_share - low_sum) ** 2, spread, out=np.zeros_like(spread), where=spread > 0)
    highest = np.flatnonzero(between >= between.max() * (1 - 1e-9))
    edge = (highest[0] + highest[-1]) / 2 + 1
    return Split(float(edge / BINS), float(between.max() / variance))
