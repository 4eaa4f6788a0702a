"""Boxes drawn on images, as JPEG of at most so many bytes."""

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SHORTEST_LONG_SIDE_PX, LONGEST_SIDE_PX = 360, 720
JPEG_QUALITIES = (82, 65, 50, 35, 25)
SMALLEST_SIDE_PX = 48
LINE_WIDTH_PX, FONT_SIZE_PX, TAG_PADDING_PX = 3, 15, 3
FRAME_MARGIN_PX = LINE_WIDTH_PX + 1
DASH_PX = 8
DARK = "#101010"

# Colours that colour-blind readers tell apart, less black and dark blue, which are lost on a photograph.
# Source: Okabe and Ito, "Color Universal Design", 2008.
CLASS_COLORS = ("#e69f00", "#56b4e9", "#f0e442", "#cc79a7", "#009e73", "#d55e00")


def class_colors(names: list[str]) -> dict[str, str]:
    """A colour (#rrggbb) for each class, in the order of the names; beyond six classes colours come again."""
    return {name: CLASS_COLORS[position % len(CLASS_COLORS)] for position, name in enumerate(names)}


@dataclass(frozen=True)
class DrawnBox:
    """A box to draw.

    Attributes:
        edges_px: xmin, ymin, xmax, ymax in pixels of the image as it is given.
        tag: what stands at the box.
        color: #rrggbb of its frame and tag.
        dashed: whether its frame is dashed and its tag dark.
    """

    edges_px: tuple[float, float, float, float]
    tag: str
    color: str
    dashed: bool = False


def draw_boxes(image: Image.Image, boxes: Sequence[DrawnBox], longest_side_px: int = LONGEST_SIDE_PX) -> Image.Image:
    """A copy of an RGB image with a frame around each box and a tag, the last box on top.

    The image is scaled first, so that lines and letters are sharp and of one size whatever the image's size.

    Args:
        image: stays as it is.
        boxes: what to draw.
        longest_side_px: the longer side of what is drawn is at most this.
    """
    scale = _shown_scale(image.size, longest_side_px)
    filter_for = Image.Resampling.HAMMING if scale < 1 else Image.Resampling.LANCZOS
    image = image.resize((_scaled(image.width, scale), _scaled(image.height, scale)), filter_for)
    draw, font = ImageDraw.Draw(image), _font()
    whwh = np.array([*image.size, *image.size])
    places_px = [np.clip(np.array(box.edges_px) * scale, 0, whwh - 1) for box in boxes]
    for box, place_px in zip(boxes, places_px, strict=True):
        _draw_frame(draw, place_px, box.color, box.dashed)
    for box, place_px in zip(boxes, places_px, strict=True):
        ink, ground = (box.color, DARK) if box.dashed else (DARK, box.color)
        _draw_tag(draw, font, place_px, _drawable(box.tag), ink, ground)
    return image


def jpeg_data_uri(image: Image.Image, limit_bytes: int, best_quality: int = JPEG_QUALITIES[0]) -> str:
    """The image as a data: URI of at most `limit_bytes` characters: coarser, then smaller until it fits.

    The coarsening begins at `best_quality`, one of JPEG_QUALITIES. An image that does not fit at 48 pixels' length is
    given as it is then, a few hundred bytes.
    """
    while True:
        for quality in (quality for quality in JPEG_QUALITIES if quality <= best_quality):
            uri = _data_uri(image, quality)
            if len(uri) <= limit_bytes:
                return uri
        if max(image.size) <= SMALLEST_SIDE_PX:
            return uri
        image = image.resize((_scaled(image.width, 0.7), _scaled(image.height, 0.7)), Image.Resampling.LANCZOS)


def _data_uri(image: Image.Image, quality: int) -> str:
    """Without chroma subsampling, which smears thin coloured lines, and with the standard Huffman tables.

    With tables made for the image, PIL fails on one whose JPEG is larger than a byte a pixel, as that of noise.
    """
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


@cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(FONT_SIZE_PX)


def _shown_scale(size_wh: tuple[int, int], longest_side_px: int) -> float:
    long_side_px = max(size_wh)
    return min(max(long_side_px, SHORTEST_LONG_SIDE_PX), longest_side_px) / long_side_px


def _scaled(length_px: int, scale: float) -> int:
    return max(round(length_px * scale), 1)


def _draw_frame(draw: ImageDraw.ImageDraw, box_px: np.ndarray, color: str, dashed: bool) -> None:
    """A coloured line between dark ones, which shows on any ground; it goes around the box and covers nothing in it."""
    width, height = draw.im.size
    left, top, right, bottom = (float(edge) for edge in box_px)
    left, top = max(left - FRAME_MARGIN_PX, 0), max(top - FRAME_MARGIN_PX, 0)
    right, bottom = min(right + FRAME_MARGIN_PX, width - 1), min(bottom + FRAME_MARGIN_PX, height - 1)
    draw.rectangle((left, top, right, bottom), outline=DARK, width=LINE_WIDTH_PX + 2)
    if right - left > 2 and bottom - top > 2:
        draw.rectangle((left + 1, top + 1, right - 1, bottom - 1), outline=color, width=LINE_WIDTH_PX)
    if dashed:
        _draw_gaps(draw, left, top, right, bottom)


def _draw_gaps(draw: ImageDraw.ImageDraw, left: float, top: float, right: float, bottom: float) -> None:
    """Dark pieces over a frame's line, as long as what they leave of it."""
    thick = LINE_WIDTH_PX + 1
    for start in np.arange(left + DASH_PX, right, 2 * DASH_PX).tolist():
        end = min(start + DASH_PX, right)
        draw.rectangle((start, top, end, min(top + thick, bottom)), fill=DARK)
        draw.rectangle((start, max(bottom - thick, top), end, bottom), fill=DARK)
    for start in np.arange(top + DASH_PX, bottom, 2 * DASH_PX).tolist():
        end = min(start + DASH_PX, bottom)
        draw.rectangle((left, start, min(left + thick, right), end), fill=DARK)
        draw.rectangle((max(right - thick, left), start, right, end), fill=DARK)


def _draw_tag(
    draw: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    box_px: np.ndarray,
    text: str,
    ink: str,
    ground: str,
) -> None:
    """A tag on top of its box, or inside it where the image ends above; never beyond the image's edges."""
    width = math.ceil(draw.textlength(text, font)) + 2 * TAG_PADDING_PX
    height = FONT_SIZE_PX + 2 * TAG_PADDING_PX
    image_width, image_height = draw.im.size
    left = max(min(float(box_px[0]) - FRAME_MARGIN_PX, image_width - width), 0)
    top = float(box_px[1]) - FRAME_MARGIN_PX - height
    if top < 0:
        top = max(min(float(box_px[1]), image_height - height), 0)
    draw.rectangle((left, top, left + width, top + height), fill=ground)
    draw.text((left + TAG_PADDING_PX, top + height / 2), text, fill=ink, font=font, anchor="lm")


def _drawable(tag: str) -> str:
    """The tag without what no font can draw: bytes that are not UTF-8 (kept as surrogates), and line breaks."""
    return " ".join(tag.encode("utf-8", "replace").decode("utf-8").split())
