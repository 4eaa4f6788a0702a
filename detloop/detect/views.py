"""What a detector looks at in an image: the whole frame, windows of it, and all of them mirrored.

A detector resizes what it is given to its own input size, to a fixed shape or with the aspect ratio kept. So an object
is larger to it in a smaller window, and to resize the frame itself would change nothing. A scale therefore is a size of
windows: at scale 1.5 they are 1/1.5 as wide and high, and objects 1.5 times as large to the detector.
"""

import math
import re
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from detloop.errors import DetloopError

LARGEST_OVERLAP = 0.9
SMALLEST_TILE_PX = 32
"""No detector was trained to see an object in fewer pixels, and an image has thousands of smaller tiles."""
CUT_TOLERANCE = 0.01
"""A box that comes this near to a window's edge is cut by it, as a share of the window's width or height."""


@dataclass(frozen=True)
class View:
    """A window of an image, mirrored left to right or not; position and size in pixels of the image."""

    x: int
    y: int
    width: int
    height: int
    is_mirrored: bool = False

    @property
    def area(self) -> int:
        """In pixels."""
        return self.width * self.height


@dataclass(frozen=True)
class ViewOptions:
    """Which views of an image are looked at; use `read_view_options`. As it stands: the whole frame alone.

    Attributes:
        tile_wh: width and height of the tiles in pixels at scale 1; None for windows that are shares of the image.
        overlap: share of a window's width and height, from 0, by which its neighbour overlaps it at least.
        flip: whether each view is looked at mirrored, too.
        scales: how many times as large objects are to be as they are in the tile, or in the frame where there is none.
    """

    tile_wh: tuple[int, int] | None = None
    overlap: float = 0.25
    flip: bool = False
    scales: tuple[float, ...] = (1.0,)

    def window_wh(self, scale: float, image_wh: tuple[int, int]) -> tuple[int, int]:
        """Width and height of the windows of one scale; not larger than the image."""
        width, height = (max(1, round(length / scale)) for length in self.tile_wh or image_wh)
        return min(width, image_wh[0]), min(height, image_wh[1])


def read_view_options(tile: str, overlap: float, flip: bool, scales: str) -> ViewOptions:
    """The options as a command line gives them.

    Args:
        tile: WIDTHxHEIGHT in pixels, as 384x384; empty for no tiles.
        scales: numbers above 0 with commas between them, as 1,1.5.

    Raises:
        DetloopError: one of them is none of this; the message names the option.
    """
    if not 0 <= overlap <= LARGEST_OVERLAP:
        raise DetloopError(f"--overlap {overlap:g}: must be a share from 0 to {LARGEST_OVERLAP}, as 0.25")
    read_scales = tuple(_read_scale(text, scales) for text in scales.split(","))
    if not tile and min(read_scales) < 1:
        raise DetloopError(
            f"--scales {scales}: without --tile a scale is 1 or more, since no window is larger than the whole frame"
        )
    return ViewOptions(_read_tile(tile) if tile else None, overlap, flip, read_scales)


def _read_tile(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,6})x([0-9]{1,6})", text.strip())
    tile_wh = (int(match[1]), int(match[2])) if match else (0, 0)
    if min(tile_wh) < SMALLEST_TILE_PX:
        raise DetloopError(
            f"--tile {text}: must be WIDTHxHEIGHT in pixels, {SMALLEST_TILE_PX} or more each, as 384x384"
        )
    return tile_wh


def _read_scale(text: str, scales: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = math.nan
    if not 0 < scale < math.inf:
        raise DetloopError(f"--scales {scales}: must be numbers above 0 with commas between them, as 1,1.5")
    return scale


@lru_cache(maxsize=256)
def views_of(image_wh: tuple[int, int], options: ViewOptions) -> tuple[View, ...]:
    """The views of an image: the whole frame first, then the windows of each scale, then all of these mirrored."""
    windows = [View(0, 0, *image_wh)]
    for scale in options.scales:
        width, height = options.window_wh(scale, image_wh)
        windows += [
            View(x, y, width, height)
            for y in window_starts(image_wh[1], height, options.overlap)
            for x in window_starts(image_wh[0], width, options.overlap)
        ]
    views = list(dict.fromkeys(windows))
    if options.flip:
        views += [replace(view, is_mirrored=True) for view in views]
    return tuple(views)


def window_starts(length: int, window: int, overlap: float) -> list[int]:
    """Where windows start that cover a length: the fewest that overlap as asked, spread evenly from end to end.

    Args:
        length, window: in pixels; the window is not longer than the length.
        overlap: share of a window that its neighbour overlaps at least.
    """
    largest_step = max(1, math.floor(window * (1 - overlap)))
    steps = -(-(length - window) // largest_step)
    return [(length - window) * step // max(steps, 1) for step in range(steps + 1)]


def copy_pixels(pixels: np.ndarray, view: View, into: np.ndarray) -> None:
    """Copies a view's pixels out of an image.

    Args:
        pixels: uint8 [height, width, 3] of the image.
        into: uint8 [view.height, view.width, 3].
    """
    window = pixels[view.y : view.y + view.height, view.x : view.x + view.width]
    if not view.is_mirrored:
        into[...] = window
        return
    # A channel at a time: numpy copies pixels backwards in steps of three bytes, which takes eight times as long.
    for channel in range(3):
        into[:, :, channel] = window[:, ::-1, channel]


def boxes_in_image(boxes_px: np.ndarray, view: View) -> np.ndarray:
    """Boxes float [n, 4] (xmin, ymin, xmax, ymax) in pixels of a view, in pixels of its image."""
    xmin, ymin, xmax, ymax = boxes_px.T
    if view.is_mirrored:
        xmin, xmax = view.width - xmax, view.width - xmin
    return np.stack([xmin + view.x, ymin + view.y, xmax + view.x, ymax + view.y], axis=1)


def are_cut(boxes_px: np.ndarray, view: View, image_wh: tuple[int, int]) -> np.ndarray:
    """Which boxes touch an edge of a view behind which the image goes on, or lie beyond it.

    Args:
        boxes_px: float [n, 4] (xmin, ymin, xmax, ymax) in pixels of the image.

    Returns:
        bool [n].
    """
    near_x, near_y = CUT_TOLERANCE * view.width, CUT_TOLERANCE * view.height
    xmin, ymin, xmax, ymax = boxes_px.T
    right, bottom = view.x + view.width, view.y + view.height
    is_cut: np.ndarray = (
        ((view.x > 0) & (xmin <= view.x + near_x))
        | ((view.y > 0) & (ymin <= view.y + near_y))
        | ((right < image_wh[0]) & (xmax >= right - near_x))
        | ((bottom < image_wh[1]) & (ymax >= bottom - near_y))
    )
    return is_cut
