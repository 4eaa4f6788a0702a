"""The training loss as the geometry of a small line chart."""

import csv
import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from detloop.csv_rows import open_csv_for_reading
from detloop.errors import DetloopError
from detloop.pages.axes import Frame, Tick, round_values

FRAME = Frame(width=960, height=300, left=56, right=28, top=18, bottom=40)
MOST_POINTS = 480
SMOOTHING = 0.9


@dataclass(frozen=True)
class LossCurve:
    """The geometry of the chart.

    Attributes:
        frame: the chart's size, in whose units all else is.
        raw, smooth: points of the loss and of its moving average, as SVG's polyline takes them.
        end: the last point of the moving average, x and y.
        x_ticks, y_ticks: marks of the steps and of the loss.
        first_step, last_step: the steps drawn.
        first_loss, last_loss: means over the first and last tenth of the steps.
        images_per_second: median over the steps.
    """

    frame: Frame
    raw: str
    smooth: str
    end: tuple[float, float]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    first_step: int
    last_step: int
    first_loss: float
    last_loss: float
    images_per_second: float


def read_loss_curve(training_log: Path) -> LossCurve | None:
    """The chart of a training log (CSV: step, loss, learning_rate, images_per_second); None for a log without steps.

    Raises:
        DetloopError: no such file, a column is missing, or a value is no number.
    """
    rows = np.array(_read_log(training_log), dtype=np.float64).reshape(-1, 3)
    if not len(rows):
        return None
    steps, losses = rows[:, 0], rows[:, 1]
    tenth = max(len(rows) // 10, 1)
    y_ticks = round_values(0.0, max(float(losses.max()), 1e-6))
    last = float(steps[-1])
    x_ticks = [value for value in round_values(0.0, last) if value <= last and value == int(value)]

    def points(values: np.ndarray) -> list[tuple[float, float]]:
        thinned = zip(_thinned(steps), _thinned(values), strict=True)
        return [(FRAME.x(step / max(last, 1.0)), FRAME.y(loss / y_ticks[-1])) for step, loss in thinned]

    smooth = points(_moving_average(losses))
    return LossCurve(
        frame=FRAME,
        raw=_polyline(points(losses)),
        smooth=_polyline(smooth),
        end=smooth[-1],
        x_ticks=tuple(
            Tick(FRAME.x(value / max(last, 1.0)), f"{value:,.0f}" if value else "step 0") for value in x_ticks
        ),
        y_ticks=tuple(Tick(FRAME.y(value / y_ticks[-1]), f"{value:g}") for value in y_ticks),
        first_step=int(steps[0]),
        last_step=int(steps[-1]),
        first_loss=float(losses[:tenth].mean()),
        last_loss=float(losses[-tenth:].mean()),
        images_per_second=float(np.median(rows[:, 2])),
    )


def _polyline(points: list[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _read_log(path: Path) -> list[tuple[float, float, float]]:
    """Step, loss and images a second of every row."""
    with open_csv_for_reading(path, "training log") as file:
        rows = csv.DictReader(file)
        missing = {"step", "loss", "images_per_second"} - set(rows.fieldnames or ())
        if missing:
            raise DetloopError(f"{path}: column {', '.join(sorted(missing))} is missing")
        return [
            (
                _number(row["step"], path, rows.line_num),
                _number(row["loss"], path, rows.line_num),
                _number(row["images_per_second"], path, rows.line_num),
            )
            for row in rows
        ]


def _number(text: str | None, path: Path, line: int) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise DetloopError(f"{path}, line {line}: {text!r} is not a number of 0 or more")
    return value


def _moving_average(values: np.ndarray) -> np.ndarray:
    """An exponential moving average whose weights sum to 1 from the first value on.

    Source: Kingma and Ba, "Adam", section 3 (bias correction); TensorBoard smooths so.
    """
    averages, average = np.empty_like(values), 0.0
    for index, value in enumerate(values):
        average = SMOOTHING * average + (1 - SMOOTHING) * float(value)
        averages[index] = average / (1 - SMOOTHING ** (index + 1))
    return averages


def _thinned(values: np.ndarray) -> list[float]:
    """Means of neighbours, so that at most MOST_POINTS are left."""
    edges = np.linspace(0, len(values), min(len(values), MOST_POINTS) + 1).astype(int)
    return [float(values[start:end].mean()) for start, end in pairwise(edges)]
