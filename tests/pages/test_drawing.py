"""Boxes drawn on images, and images as data: URIs."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from detloop.pages.drawing import CLASS_COLORS, JPEG_QUALITIES, DrawnBox, draw_boxes, jpeg_data_uri

ORANGE = CLASS_COLORS[0]
GREY = Image.new("RGB", (500, 300), "#808080")


def is_orange(image: Image.Image) -> np.ndarray:
    """Whether each pixel has the class's colour, bool [height, width]."""
    color = [int(ORANGE[start : start + 2], 16) for start in (1, 3, 5)]
    return np.abs(np.asarray(image).astype(int) - color).max(axis=2) < 8


def test_a_frame_goes_around_its_box_and_is_dashed_where_asked() -> None:
    edges_px = (100.0, 80.0, 300.0, 200.0)
    solid = is_orange(draw_boxes(GREY, [DrawnBox(edges_px, "", ORANGE)]))
    dashed = is_orange(draw_boxes(GREY, [DrawnBox(edges_px, "", ORANGE, dashed=True)]))
    for orange in (solid, dashed):
        assert not orange[80:200, 100:300].any()
    below, beside = (slice(201, 204), slice(110, 290)), (slice(90, 190), slice(301, 304))
    for line in (below, beside):
        assert solid[line].mean() > 0.95
        assert 0.35 < dashed[line].mean() < 0.65


def test_the_last_box_lies_on_top() -> None:
    edges_px = (100.0, 80.0, 300.0, 200.0)
    blue_below = draw_boxes(GREY, [DrawnBox(edges_px, "1", CLASS_COLORS[1]), DrawnBox(edges_px, "2", ORANGE)])
    assert is_orange(blue_below).sum() == is_orange(draw_boxes(GREY, [DrawnBox(edges_px, "2", ORANGE)])).sum()


@pytest.mark.parametrize(
    ("size_hw", "shown_wh"), [((3000, 4000), (600, 450)), ((30, 20), (240, 360)), ((5, 9000), (600, 1))]
)
def test_what_is_drawn_is_bounded_in_size(size_hw: tuple[int, int], shown_wh: tuple[int, int]) -> None:
    image = Image.new("RGB", size_hw[::-1])
    assert draw_boxes(image, [DrawnBox((0, 0, 9, 4), "tag", ORANGE)], longest_side_px=600).size == shown_wh


def test_a_lower_best_quality_gives_smaller_pictures() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8))
    fine, coarse = (len(jpeg_data_uri(noise, 10_000_000, quality)) for quality in JPEG_QUALITIES[:2])
    assert coarse < fine


@pytest.mark.parametrize("limit_bytes", [2_000_000, 100_000, 10_000])
def test_noise_fits_into_any_limit(limit_bytes: int) -> None:
    """Noise takes more than a byte a pixel at the first choice of quality."""
    noise = np.random.default_rng(0).choice(np.array([0, 255], dtype=np.uint8), (600, 600, 3))
    uri = jpeg_data_uri(Image.fromarray(noise), limit_bytes)
    assert limit_bytes / 5 < len(uri) <= limit_bytes
    decoded = Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/jpeg;base64,"))))
    assert decoded.format == "JPEG"
