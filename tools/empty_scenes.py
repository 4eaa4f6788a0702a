"""A fixed camera's scene without what moves in it, made of its frames."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

FRAMES_AN_IMAGE = 20
JPEG_QUALITY = 95


def write_empty_scenes(frames: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Writes images in which each pixel is the median of 20 frames, taken evenly from all the time that there is.

    What stays at one place for less than half of that time is gone. The images differ in their noise and light, since
    no frame is used for two of them.

    Args:
        frames: of one camera and one size, in order; at least 20 for each image.
        outputs: the images to write, as JPEG.
    """
    step = len(frames) // FRAMES_AN_IMAGE
    if len(outputs) > step:
        raise ValueError(f"{len(outputs)} images need {len(outputs) * FRAMES_AN_IMAGE} frames; there are {len(frames)}")
    for start, output in enumerate(outputs):
        chosen = frames[start : step * FRAMES_AN_IMAGE : step]
        median = np.median(np.stack([np.asarray(Image.open(path)) for path in chosen]), axis=0)
        Image.fromarray(median.astype(np.uint8)).save(output, quality=JPEG_QUALITY)
