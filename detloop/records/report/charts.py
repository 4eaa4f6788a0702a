"""The report's histograms and heat maps as geometry, in the units of detloop.pages.axes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detloop.pages.axes import Frame, Tick, round_values, thinned
from detloop.records.report.bins import MOST_BOXES, SCORE_BINS, LogBins

SMALL_FRAME = Frame(width=340, height=190, left=52, right=14, top=26, bottom=48)
FRAME = Frame(width=520, height=270, left=58, right=26, top=26, bottom=50)
MOST_X_TICKS, MOST_Y_TICKS = 8, 4
FEWEST_OCTAVES = 3


@dataclass(frozen=True)
class Shape:
    """An SVG path and what it stands for, which is its CSS class too: learned, ignored, dropped, train or valid."""

    kind: str
    path: str


@dataclass(frozen=True)
class Histogram:
    """A chart of `frame`'s size.

    Attributes:
        shapes: the bars.
        marks: vertical lines with what stands above them.
        x_ticks, y_ticks: marks of the axes.
    """

    frame: Frame
    shapes: tuple[Shape, ...]
    marks: tuple[Tick, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


def score_histogram(counts: np.ndarray, threshold: float | None, ignore_from: float | None, frame: Frame) -> Histogram:
    """The scores of a class's boxes, and what the threshold and the band below it make of them.

    Args:
        counts: int [SCORE_BINS], from score 0 to 1.
        threshold: boxes above it are learned; None where all are.
        ignore_from: boxes from it to the threshold are ignored; None where none is.
        frame: the chart's size.
    """
    highest, y_ticks = _count_ticks(int(counts.max(initial=0)), frame)
    learned_from = 0.0 if threshold is None else threshold
    band_from = learned_from if ignore_from is None else min(ignore_from, learned_from)
    spans = (("dropped", 0.0, band_from), ("ignored", band_from, learned_from), ("learned", learned_from, 1.0))
    edges = np.arange(SCORE_BINS + 1) / SCORE_BINS
    shapes = [Shape(kind, _bars(counts / highest, edges.clip(low, high), frame)) for kind, low, high in spans]
    marks = [] if threshold is None else [Tick(frame.x(threshold), f"{threshold:.3g}")]
    if threshold is not None and ignore_from is not None:
        marks.append(Tick(frame.x(ignore_from), f"{ignore_from:.3g}"))
    return Histogram(
        frame=frame,
        shapes=tuple(shape for shape in shapes if shape.path),
        marks=tuple(marks),
        x_ticks=tuple(Tick(frame.x(score), f"{score:g}") for score in (0, 0.2, 0.4, 0.6, 0.8, 1)),
        y_ticks=y_ticks,
    )


def log_histogram(
    counts: np.ndarray, bins: LogBins, ticks: Sequence[tuple[float, str]], marks: Sequence[tuple[float, str]] = ()
) -> Histogram:
    """Shares of the train boxes as bars and of the valid boxes as a line, over a logarithmic axis.

    The axis shows the octaves that hold a box.

    Args:
        counts: int [2, bins], of train and valid.
        ticks, marks: values on the axis, and what stands there.
    """
    held = np.flatnonzero(counts.sum(axis=0))
    first, last = (int(held[0]), int(held[-1]) + 1) if len(held) else (0, 1)
    first -= first % bins.per_octave
    last += -last % bins.per_octave
    last = max(last, min(first + FEWEST_OCTAVES * bins.per_octave, len(bins)))
    first = max(min(first, last - FEWEST_OCTAVES * bins.per_octave), 0)
    low, high = bins.log2_edge(first), bins.log2_edge(last)

    def shown(values: Sequence[tuple[float, str]]) -> tuple[Tick, ...]:
        shares = [((math.log2(value) - low) / (high - low), label) for value, label in values]
        return tuple(Tick(FRAME.x(share), label) for share, label in shares if 0 <= share <= 1)

    return _side_shares(counts[:, first:last], thinned(shown(ticks), MOST_X_TICKS), shown(marks))


def boxes_histogram(counts: np.ndarray) -> Histogram:
    """Shares of the train and valid images by the number of their boxes; `counts` is int [2, MOST_BOXES + 1]."""
    held = np.flatnonzero(counts.sum(axis=0))
    last = max(int(held[-1]) if len(held) else 0, 4)
    shown = counts[:, : last + 1]
    step = max(round_values(0, last)[1], 1)
    ticks = [value for value in np.arange(0, last + 1, step).astype(int).tolist() if value <= last]
    return _side_shares(
        shown,
        tuple(
            Tick(FRAME.x((value + 0.5) / (last + 1)), f"{value}+" if value == MOST_BOXES else str(value))
            for value in ticks
        ),
        (),
    )


def _side_shares(counts: np.ndarray, x_ticks: tuple[Tick, ...], marks: tuple[Tick, ...]) -> Histogram:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    y_values = round_values(0.0, max(float(shares.max()), 0.01), MOST_Y_TICKS)
    edges = np.linspace(0, 1, counts.shape[1] + 1)
    heights = shares / y_values[-1]
    return Histogram(
        frame=FRAME,
        shapes=(
            Shape("train", _bars(heights[0], edges, FRAME)),
            Shape("valid", _outline(heights[1], edges, FRAME)),
        ),
        marks=marks,
        x_ticks=x_ticks,
        y_ticks=tuple(Tick(FRAME.y(value / y_values[-1]), f"{100 * value:g} %") for value in y_values),
    )


def _count_ticks(highest: int, frame: Frame) -> tuple[float, tuple[Tick, ...]]:
    """The value at the top of the y axis, and its marks, all of whole numbers."""
    values = round_values(0.0, max(highest, MOST_Y_TICKS - 1), MOST_Y_TICKS)
    return values[-1], tuple(Tick(frame.y(value / values[-1]), f"{value:,.0f}") for value in values)


def _bars(heights: np.ndarray, edges: np.ndarray, frame: Frame) -> str:
    """A path of bars: bin i goes from edges[i] to edges[i + 1] (shares of the width) and up to heights[i]."""
    parts = []
    for height, left, right in zip(heights.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if height > 0 and right > left:
            parts.append(
                f"M{frame.x(left):.1f},{frame.y_end}V{frame.y(height):.1f}H{frame.x(right):.1f}V{frame.y_end}Z"
            )
    return "".join(parts)


def _outline(heights: np.ndarray, edges: np.ndarray, frame: Frame) -> str:
    """A path along the upper edges of such bars."""
    steps = [
        f"V{frame.y(height):.1f}H{frame.x(right):.1f}"
        for height, right in zip(heights.tolist(), edges[1:].tolist(), strict=True)
    ]
    return f"M{frame.x(0):.1f},{frame.y_end}{''.join(steps)}V{frame.y_end}" if heights.any() else ""
