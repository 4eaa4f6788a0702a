"""Images that the tests draw themselves: filled rectangles of one colour on a dark ground."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

Rectangle = tuple[int, int, int, int]
RED, GREEN, BLUE = (230, 30, 30), (30, 200, 30), (30, 30, 230)


def draw_image(
    path: Path,
    rectangles_px: Sequence[Rectangle] = (),
    size_wh: tuple[int, int] = (96, 64),
    color: tuple[int, int, int] = RED,
) -> Path:
    """Writes an image whose rectangles cover xmin <= x < xmax, ymin <= y < ymax; the suffix says the format."""
    image = Image.new("RGB", size_wh, (16, 16, 16))
    draw = ImageDraw.Draw(image)
    for xmin, ymin, xmax, ymax in rectangles_px:
        draw.rectangle((xmin, ymin, xmax - 1, ymax - 1), fill=color)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path
