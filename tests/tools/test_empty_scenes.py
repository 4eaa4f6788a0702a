"""The scene of a fixed camera without what moves in it."""

import numpy as np
import pytest
from PIL import Image

from tools.empty_scenes import write_empty_scenes


@pytest.fixture
def frames(tmp_path):
    """Forty frames of a grey wall, across which a white square goes from left to right."""
    paths = []
    for number in range(40):
        pixels = np.full((48, 96, 3), 90, np.uint8)
        pixels[16:32, 2 * number : 2 * number + 16] = 255
        paths.append(tmp_path / f"{number:03d}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths


def test_what_moves_is_gone(frames, tmp_path):
    outputs = [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    write_empty_scenes(frames, outputs)
    for path in outputs:
        assert np.abs(np.asarray(Image.open(path)).astype(int) - 90).max() <= 3


def test_no_frame_serves_two_images(frames, tmp_path):
    with pytest.raises(ValueError, match="3 images need 60 frames; there are 40"):
        write_empty_scenes(frames, [tmp_path / name for name in ("a.jpg", "b.jpg", "c.jpg")])
