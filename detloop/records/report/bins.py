"""The fixed bins in which the report counts, so that counts of parts of a data set can be added."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LogBins:
    """Bins of one ratio, from 2^lowest to 2^highest; values beyond are counted in the first and the last.

    Attributes:
        lowest, highest: powers of two.
        per_octave: bins between a value and its double.
    """

    lowest: int
    highest: int
    per_octave: int

    def __len__(self) -> int:
        return (self.highest - self.lowest) * self.per_octave

    def index(self, values: np.ndarray) -> np.ndarray:
        """The bin, int [n], of each value above 0, float [n]."""
        places = np.floor((np.log2(values) - self.lowest) * self.per_octave + ROUNDING)
        return np.asarray(places.clip(0, len(self) - 1), dtype=np.int64)

    def log2_edge(self, index: int) -> float:
        """The power of two at which a bin begins."""
        return self.lowest + index / self.per_octave


ROUNDING = 1e-9
"""Puts a value that lies on an edge, but for its floating-point error, into the bin that begins there."""

SCORE_BINS = 50
SIZE_PX_BINS = LogBins(0, 13, 4)
SIZE_SHARE_BINS = LogBins(-10, 0, 4)
ASPECT_BINS = LogBins(-4, 4, 4)
SIDE_PX_BINS = LogBins(0, 13, 3)
MOST_BOXES = 60
"""Images with this many boxes or more are counted together."""
PLACES = 48
"""Cells of the heat map in each direction."""


def score_index(scores: np.ndarray) -> np.ndarray:
    """The bin, int [n], of each score, float [n]; SCORE_BINS bins from 0 to 1."""
    return np.floor(scores * SCORE_BINS + ROUNDING).clip(0, SCORE_BINS - 1).astype(np.int64)
