"""Image bytes as they go into a record: copied where TensorFlow decodes them, re-encoded as PNG where it does not.

What is copied is never decoded: size and wholeness are read from the file's own marks. A file that was cut short must
be found here, since it would stop the training when its turn to be decoded comes.
"""

import io
import struct
from typing import NamedTuple

from PIL import Image

from detloop.errors import ImageError
from detloop.images import decode_rgb, read_header

JPEG_START, JPEG_END = b"\xff\xd8", b"\xff\xd9"
PNG_START, PNG_END = b"\x89PNG\r\n\x1a\n", b"\0\0\0\0IEND\xaeB`\x82"
BMP_START, BMP_HEADER_BYTES = b"BM", 34
JPEG_HUFFMAN_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
JPEG_ALL_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class EncodedImage(NamedTuple):
    """The bytes for image/encoded, their image/format (jpeg, png or bmp) and the stored size in pixels."""

    data: bytes
    format: str
    width: int
    height: int


def encoded_image(stored: bytes) -> EncodedImage:
    """What to write for a stored image.

    Copied: JPEG of 8 bits (baseline, extended or progressive), PNG, and uncompressed BMP of 24 bits. Re-encoded
    losslessly as PNG: all else that PIL reads; among them GIF, for which tf.io.decode_image gives four dimensions where
    the API's decoder expects three, and BMP with a palette, whose indices it takes for grey.

    Raises:
        ImageError: the bytes are no image, or one that is cut short or damaged.
    """
    if stored.startswith(JPEG_START):
        copied = _copied_jpeg(stored)
    elif stored.startswith(PNG_START):
        copied = _copied_png(stored)
    elif stored.startswith(BMP_START):
        copied = _copied_bmp(stored)
    else:
        copied = None
    return copied or _as_png(stored)


def _copied_jpeg(stored: bytes) -> EncodedImage | None:
    """Walks the segments up to the frame header (SOFn). Source: ITU-T T.81, annex B."""
    position = len(JPEG_START)
    while position + 9 <= len(stored):
        if stored[position] != 0xFF:
            return None
        marker = stored[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker in JPEG_ALL_FRAMES:
            break
        position += 2 + int.from_bytes(stored[position + 2 : position + 4], "big")
    else:
        raise ImageError("is cut short: the JPEG ends before its size")
    bits, height, width = struct.unpack(">BHH", stored[position + 4 : position + 9])
    if marker not in JPEG_HUFFMAN_FRAMES or bits != 8 or height == 0 or width == 0:
        return None
    if stored.rfind(JPEG_END, position) < 0:
        raise ImageError("is cut short: the JPEG's end is missing")
    return EncodedImage(stored, "jpeg", width, height)


def _copied_png(stored: bytes) -> EncodedImage:
    if stored[12:16] != b"IHDR" or stored.rfind(PNG_END) < 0:
        raise ImageError("is cut short: the PNG's end is missing")
    width, height = struct.unpack(">II", stored[16:24])
    return EncodedImage(stored, "png", width, height)


def _copied_bmp(stored: bytes) -> EncodedImage | None:
    if len(stored) < BMP_HEADER_BYTES:
        return None
    pixels_at, _, width, height, _, bits, compression = struct.unpack("<IIiiHHI", stored[10:BMP_HEADER_BYTES])
    row_bytes = (3 * width + 3) // 4 * 4
    if bits != 24 or compression != 0 or len(stored) < pixels_at + row_bytes * abs(height):
        return None
    return EncodedImage(stored, "bmp", width, abs(height))


def _as_png(stored: bytes) -> EncodedImage:
    header = read_header(stored)
    buffer = io.BytesIO()
    Image.fromarray(decode_rgb(stored)).save(buffer, "PNG")
    return EncodedImage(buffer.getvalue(), "png", header.width, header.height)
