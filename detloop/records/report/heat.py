"""Heat maps: a PNG of one pixel a cell, which the page draws at any size, with axes and a colour scale."""

import base64
import io
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from detloop.pages.axes import Frame, Tick, thinned
from detloop.records.report.bins import PLACES, SIDE_PX_BINS

SHAPES_FRAME = Frame(width=520, height=403, left=58, right=26, top=26, bottom=50)
PLOT_HEIGHTS = (180, 520)
MOST_TICKS = 8

# Viridis, the colour scale that grows evenly brighter to every eye, at ten places.
# Source: van der Walt and Smith, matplotlib, CC0.
COLORS = ("440154", "482878", "3e4989", "31688e", "26828e", "1f9e89", "35b779", "6ece58", "b5de2b", "fde725")


@dataclass(frozen=True)
class HeatMap:
    """A chart of `frame`'s size, whose plot is a picture.

    Attributes:
        picture: data: URI of a PNG, to be stretched over the plot.
        highest: the value of the brightest colour, from 0 to 1.
        x_ticks, y_ticks: marks of the axes.
    """

    frame: Frame
    picture: str
    highest: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


def color_scale() -> str:
    """The colours from the lowest to the highest value, as a CSS gradient."""
    return f"linear-gradient(90deg, {', '.join('#' + color for color in COLORS)})"


def heat_of_places(cover: np.ndarray, boxes: int, mean_wh: tuple[float, float]) -> HeatMap:
    """Which share of the boxes covers each place of the image, in the images' mean proportions.

    Args:
        cover: int [PLACES + 1, PLACES + 1], +1 and -1 at the corners of the boxes.
        boxes: how many there are.
        mean_wh: mean width and height of the images, in any unit.
    """
    covering = cover.cumsum(axis=0).cumsum(axis=1)[:PLACES, :PLACES]
    plot = SHAPES_FRAME.y_end - SHAPES_FRAME.top
    in_proportion = (SHAPES_FRAME.x_end - SHAPES_FRAME.left) * mean_wh[1] / mean_wh[0]
    height = min(max(round(in_proportion), PLOT_HEIGHTS[0]), PLOT_HEIGHTS[1])
    frame = replace(SHAPES_FRAME, height=SHAPES_FRAME.height + height - plot)
    shares = (0.0, 0.25, 0.5, 0.75, 1.0)
    return HeatMap(
        frame=frame,
        picture=_png_uri(covering),
        highest=float(covering.max()) / max(boxes, 1),
        x_ticks=tuple(Tick(frame.x(share), f"{100 * share:g} %") for share in shares),
        y_ticks=tuple(Tick(frame.y(1 - share), f"{100 * share:g} %") for share in shares),
    )


def heat_of_shapes(shapes: np.ndarray) -> HeatMap:
    """Which share of the boxes has each width and height in pixels; `shapes` is int [bins, bins] of SIDE_PX_BINS."""
    per_octave = SIDE_PX_BINS.per_octave
    held = np.flatnonzero(shapes.sum(axis=0) + shapes.sum(axis=1))
    first, last = (int(held[0]), int(held[-1]) + 1) if len(held) else (0, 1)
    first, last = first - first % per_octave, last + -last % per_octave
    octaves = range(first // per_octave, last // per_octave + 1)
    shown = shapes[first:last, first:last]
    places = [
        ((octave * per_octave - first) / (last - first), f"{2 ** (SIDE_PX_BINS.lowest + octave):,}")
        for octave in octaves
    ]
    frame = SHAPES_FRAME
    return HeatMap(
        frame=frame,
        picture=_png_uri(shown.T[::-1]),
        highest=float(shown.max()) / max(int(shapes.sum()), 1),
        x_ticks=thinned([Tick(frame.x(share), label) for share, label in places], MOST_TICKS),
        y_ticks=thinned([Tick(frame.y(share), label) for share, label in places], MOST_TICKS),
    )


def _png_uri(values: np.ndarray) -> str:
    """The values, [rows, columns] of 0 or more, in colour: the highest in the brightest."""
    scale = np.array([[int(color[start : start + 2], 16) for start in (0, 2, 4)] for color in COLORS])
    places = values / max(values.max(), 1) * (len(COLORS) - 1)
    pixels = np.stack([np.interp(places, np.arange(len(COLORS)), scale[:, band]) for band in range(3)], axis=2)
    buffer = io.BytesIO()
    Image.fromarray(pixels.round().astype(np.uint8)).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
