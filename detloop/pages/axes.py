"""Where a chart's values lie in its drawing, and the round values that mark its axes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

MOST_TICKS = 6


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: where it lies in the chart's units, and what stands there."""

    position: float
    label: str


@dataclass(frozen=True)
class Frame:
    """A chart of width x height units, its origin in the upper left corner as in SVG, with room around its plot."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int

    @property
    def x_end(self) -> int:
        """The plot's right edge."""
        return self.width - self.right

    @property
    def y_end(self) -> int:
        """The plot's lower edge, on which the x axis lies."""
        return self.height - self.bottom

    def x(self, share: float) -> float:
        """The place of a share (0 left to 1 right) of the plot's width."""
        return self.left + share * (self.x_end - self.left)

    def y(self, share: float) -> float:
        """The place of a share (0 bottom to 1 top) of the plot's height."""
        return self.y_end - share * (self.y_end - self.top)


def thinned(ticks: Sequence[Tick], most: int) -> tuple[Tick, ...]:
    """The first tick and every so-manieth after it, so that at most `most` are left."""
    return tuple(ticks[:: max(math.ceil(len(ticks) / most), 1)])


def round_values(lowest: float, highest: float, most: int = MOST_TICKS) -> list[float]:
    """About `most` values, 1, 2 or 5 times a power of ten apart, from `lowest` (a multiple) to `highest` or beyond."""
    rough = (highest - lowest) / (most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    spacing = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    count = math.ceil((highest - lowest) / spacing - 1e-9)
    return [lowest + index * spacing for index in range(count + 1)]
