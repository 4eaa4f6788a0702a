"""Which windows of an image are looked at, what of them the model sees, and where its boxes lie in the image."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detloop.detect.views import (
    View,
    ViewOptions,
    are_cut,
    boxes_in_image,
    copy_pixels,
    read_view_options,
    views_of,
    window_starts,
)
from detloop.errors import DetloopError

WHOLE = View(0, 0, 100, 60)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (ViewOptions(), [WHOLE]),
        (ViewOptions(flip=True), [WHOLE, View(0, 0, 100, 60, True)]),
        # as few tiles as cover the image, spread evenly
        (
            ViewOptions((40, 60), overlap=0.25),
            [WHOLE, View(0, 0, 40, 60), View(30, 0, 40, 60), View(60, 0, 40, 60)],
        ),
        (ViewOptions((60, 60), overlap=0), [WHOLE, View(0, 0, 60, 60), View(40, 0, 60, 60)]),
        # row by row
        (
            ViewOptions((80, 40), overlap=0.5),
            [WHOLE, View(0, 0, 80, 40), View(20, 0, 80, 40), View(0, 20, 80, 40), View(20, 20, 80, 40)],
        ),
        # a tile is cut to the image where only one side of it is larger
        (ViewOptions((80, 200), overlap=0), [WHOLE, View(0, 0, 80, 60), View(20, 0, 80, 60)]),
        # an image that is not larger than the tile is seen whole, once
        (ViewOptions((100, 60)), [WHOLE]),
        (ViewOptions((500, 500), flip=True), [WHOLE, View(0, 0, 100, 60, True)]),
        # scales are sizes of windows, of the frame or of the tile
        (
            ViewOptions(overlap=0, scales=(1.0, 2.0)),
            [WHOLE, View(0, 0, 50, 30), View(50, 0, 50, 30), View(0, 30, 50, 30), View(50, 30, 50, 30)],
        ),
        (ViewOptions((40, 60), overlap=0, scales=(0.5,)), [WHOLE, View(0, 0, 80, 60), View(20, 0, 80, 60)]),
        (
            ViewOptions((80, 80), overlap=0, flip=True, scales=(1.0, 1.0)),
            [
                *(WHOLE, View(0, 0, 80, 60), View(20, 0, 80, 60)),
                *(View(0, 0, 100, 60, True), View(0, 0, 80, 60, True), View(20, 0, 80, 60, True)),
            ],
        ),
    ],
)
def test_the_views_of_an_image(options: ViewOptions, expected: list[View]) -> None:
    assert list(views_of((100, 60), options)) == expected


@given(length=st.integers(1, 300), window=st.integers(1, 300), overlap=st.floats(0, 0.9))
def test_windows_cover_a_length_overlap_as_asked_and_lie_within(length: int, window: int, overlap: float) -> None:
    window = min(window, length)
    starts = window_starts(length, window, overlap)
    assert (starts[0], starts[-1]) == (0, length - window)
    assert starts == sorted(set(starts))
    steps = [later - earlier for earlier, later in pairwise(starts)]
    assert max(steps, default=0) <= max(1, window * (1 - overlap))
    assert max(steps, default=0) - min(steps, default=0) <= 1


def test_a_view_shows_its_window_and_its_mirror_image() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 100, 3), np.uint8)
    seen, mirrored = np.zeros((2, 20, 30, 3), np.uint8)
    copy_pixels(pixels, View(10, 5, 30, 20), seen)
    np.testing.assert_array_equal(seen, pixels[5:25, 10:40])
    copy_pixels(pixels, View(10, 5, 30, 20, is_mirrored=True), mirrored)
    np.testing.assert_array_equal(mirrored, pixels[5:25, 10:40][:, ::-1])


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (WHOLE, [2, 3, 12, 9]),
        (View(10, 5, 30, 20), [12, 8, 22, 14]),
        (View(0, 0, 100, 60, True), [88, 3, 98, 9]),
        (View(10, 5, 30, 20, True), [28, 8, 38, 14]),
    ],
)
def test_a_box_of_a_view_lies_in_the_image(view: View, expected: list[int]) -> None:
    assert boxes_in_image(np.array([[2.0, 3, 12, 9]]), view).tolist() == [expected]


def test_no_boxes_are_no_boxes_in_the_image() -> None:
    none = np.zeros((0, 4))
    assert boxes_in_image(none, View(1, 2, 3, 4, True)).shape == (0, 4)
    assert are_cut(none, View(1, 2, 3, 4), (9, 9)).shape == (0,)


@given(
    x=st.integers(0, 50),
    y=st.integers(0, 50),
    edges=st.lists(st.integers(0, 19), min_size=4, max_size=4),
    data=st.data(),
)
def test_what_is_drawn_in_an_image_is_where_the_box_of_its_view_says(
    x: int, y: int, edges: list[int], data: st.DataObject
) -> None:
    (xmin, xmax), (ymin, ymax) = sorted(edges[:2]), sorted(edges[2:])
    pixels = np.zeros((70, 70, 3), np.uint8)
    pixels[y + ymin : y + ymax + 1, x + xmin : x + xmax + 1] = 255
    view = View(x, y, 20, 20, data.draw(st.booleans()))
    seen = np.zeros((20, 20, 3), np.uint8)
    copy_pixels(pixels, view, seen)
    ys, xs = np.nonzero(seen[..., 0])
    box_px = np.array([[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]], float)
    expected = [x + xmin, y + ymin, x + xmax + 1, y + ymax + 1]
    assert boxes_in_image(box_px, view).tolist() == [expected]


INNER, CORNER = View(200, 100, 100, 100), View(0, 0, 100, 100)


@pytest.mark.parametrize(
    ("view", "box_px", "is_cut"),
    [
        (INNER, [220, 120, 280, 180], False),
        (INNER, [200, 120, 280, 180], True),
        (INNER, [220, 100, 280, 180], True),
        (INNER, [220, 120, 300, 180], True),
        (INNER, [220, 120, 280, 200], True),
        (INNER, [195, 120, 280, 180], True),  # detectors overshoot
        (INNER, [200.9, 120, 280, 180], True),  # within the tolerance
        (INNER, [201.1, 120, 298.9, 180], False),
        (CORNER, [0, 0, 50, 50], False),  # an edge of the image cuts what no other view has whole
        (CORNER, [0, 0, 100, 50], True),
        (View(300, 200, 100, 100), [350, 250, 400, 300], False),
        (View(0, 0, 400, 300), [0, 0, 400, 300], False),
        (View(0, 100, 400, 100), [0, 120, 400, 180], False),
        (View(200, 100, 100, 100, is_mirrored=True), [200, 120, 280, 180], True),
    ],
)
def test_a_box_is_cut_by_an_edge_behind_which_the_image_goes_on(view: View, box_px: list[float], is_cut: bool) -> None:
    assert are_cut(np.array([box_px], float), view, (400, 300)).tolist() == [is_cut]


def test_options_are_read_as_a_command_line_gives_them() -> None:
    assert read_view_options("", 0.25, False, "1") == ViewOptions()
    expected = ViewOptions((640, 480), 0.0, True, (1.0, 1.5, 0.5))
    assert read_view_options("640x480", 0.0, True, "1, 1.5,.5") == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        *(
            ({"tile": tile}, f"--tile {tile}: must be WIDTHxHEIGHT")
            for tile in ("0x100", "100x0", "abc", "100", "-1x9")
        ),
        *(({"tile": tile}, f"--tile {tile}: must be WIDTHxHEIGHT") for tile in ("1.5x9", "9x9x9", "1e3x9", "²x9")),
        *(({"overlap": share}, f"--overlap {share:g}: must be a share from 0 to 0.9") for share in (1.0, -0.1, 0.91)),
        ({"overlap": float("nan")}, "--overlap nan: must be a share from 0 to 0.9"),
        *(
            ({"scales": text}, f"--scales {text}: must be numbers above 0")
            for text in ("0", "-1", "", "1,,2", "a", "1;2")
        ),
        *(({"scales": text}, f"--scales {text}: must be numbers above 0") for text in ("nan", "inf", "1,")),
        ({"tile": "", "scales": "1,0.5"}, "--scales 1,0.5: without --tile a scale is 1 or more"),
    ],
)
def test_options_that_make_no_sense_are_errors(options: dict[str, object], message: str) -> None:
    given_options = {"tile": "64x64", "overlap": 0.25, "flip": False, "scales": "1", **options}
    with pytest.raises(DetloopError) as caught:
        read_view_options(**given_options)  # type: ignore[arg-type]
    assert str(caught.value).startswith(message)
