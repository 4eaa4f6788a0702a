"""Which bytes go into a record, and what TensorFlow makes of them."""

import io
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from detloop.errors import ImageError
from detloop.images import decode_rgb
from detloop.records.encoded import encoded_image

WIDTH, HEIGHT = 50, 40
PIXELS = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
RGB = Image.fromarray(PIXELS)
DEEP_GREY = Image.fromarray(np.arange(HEIGHT * WIDTH, dtype=np.uint16).reshape(HEIGHT, WIDTH) * 30)


def stored(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def rotated_by_exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return stored(RGB, "JPEG", exif=exif)


def with_thumbnail(data: bytes, thumbnail: bytes) -> bytes:
    """A JPEG whose first segment holds a whole other JPEG, as cameras write it."""
    segment = b"Exif\0\0" + thumbnail
    return data[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + data[2:]


JPEG = stored(RGB, "JPEG")
COPIED = {
    "JPEG": (JPEG, "jpeg"),
    "progressive JPEG": (stored(RGB, "JPEG", progressive=True), "jpeg"),
    "grey JPEG": (stored(RGB.convert("L"), "JPEG"), "jpeg"),
    "CMYK JPEG": (stored(RGB.convert("CMYK"), "JPEG"), "jpeg"),
    "JPEG rotated by EXIF": (rotated_by_exif(), "jpeg"),
    "JPEG with a thumbnail": (with_thumbnail(JPEG, stored(RGB.resize((8, 6)), "JPEG")), "jpeg"),
    "JPEG with padding behind": (JPEG + bytes(99), "jpeg"),
    "JPEG with fill bytes": (JPEG[:2] + b"\xff\xff" + JPEG[2:], "jpeg"),
    "PNG": (stored(RGB, "PNG"), "png"),
    "palette PNG": (stored(RGB.convert("P"), "PNG"), "png"),
    "RGBA PNG": (stored(RGB.convert("RGBA"), "PNG"), "png"),
    "16-bit PNG": (stored(DEEP_GREY, "PNG"), "png"),
    "BMP": (stored(RGB, "BMP"), "bmp"),
}
REENCODED = {
    "WebP": stored(RGB, "WEBP", lossless=True),
    "TIFF": stored(RGB, "TIFF"),
    "GIF": stored(RGB, "GIF"),
    "palette BMP": stored(RGB.convert("P"), "BMP"),
}
UNREADABLE = {
    "text": b"this is not an image",
    "only a JPEG's start": b"\xff\xd8",
    "JPEG cut before its size": JPEG[:30],
    "JPEG cut in its pixels": JPEG[: len(JPEG) // 2],
    "JPEG without its end": JPEG[:-2],
    "cut JPEG with a whole thumbnail": with_thumbnail(JPEG, stored(RGB.resize((8, 6)), "JPEG"))[:-20],
    "text behind a JPEG's start": b"\xff\xd8 and some text that goes on",
    "only a PNG's start": stored(RGB, "PNG")[:14],
    "PNG without its end": stored(RGB, "PNG")[:-12],
    "BMP cut in its pixels": stored(RGB, "BMP")[:-500],
    "cut WebP": stored(RGB, "WEBP")[:60],
}


def decoded_by_tensorflow(data: bytes) -> np.ndarray:
    return tf.io.decode_image(data, channels=3).numpy()


@pytest.mark.parametrize("case", COPIED)
def test_copied_untouched(case: str) -> None:
    data, kind = COPIED[case]
    encoded = encoded_image(data)
    assert encoded.data == data
    assert (encoded.format, encoded.width, encoded.height) == (kind, WIDTH, HEIGHT)
    assert decoded_by_tensorflow(data).shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("case", REENCODED)
def test_reencoded_without_loss(case: str) -> None:
    encoded = encoded_image(REENCODED[case])
    assert (encoded.format, encoded.width, encoded.height) == ("png", WIDTH, HEIGHT)
    np.testing.assert_array_equal(decoded_by_tensorflow(encoded.data), decode_rgb(REENCODED[case]))


@pytest.mark.parametrize("case", UNREADABLE)
def test_unreadable(case: str) -> None:
    with pytest.raises(ImageError) as error:
        encoded_image(UNREADABLE[case])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("case", [case for case in UNREADABLE if "JPEG" in case or "PNG" in case])
def test_tensorflow_cannot_read_them_either(case: str) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError):
        decoded_by_tensorflow(UNREADABLE[case])
