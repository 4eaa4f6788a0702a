"""Where images come from, and how their bytes become pixels."""

import glob
import io
import math
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from detloop.errors import DetloopError, ImageError, one_line
from detloop.store import check_inside, inside, local_path

# PIL warns of oddities in images that it decodes all the same. To silence it a call at a time is not safe in threads.
warnings.filterwarnings("ignore", module=r"PIL\.")

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP")
"""What PIL may take a file for; some of its other formats hand the file to another program."""

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"})


@dataclass(frozen=True)
class ImageSource:
    """Images under one root, in the code-point order of their names.

    A name is the image's path relative to `root`, with `/`; it is what tables call `filename`.
    """

    root: Path
    names: Callable[[], Iterator[str]]

    def path(self, name: str) -> Path:
        """Where an image lies; raises DetloopError for a name that leaves the root."""
        return inside(self.root, name)

    def read_bytes(self, name: str) -> bytes:
        """An image's stored bytes.

        Raises:
            ImageError: the file is missing, unreadable or empty.
        """
        check_inside(self.root, name)
        try:
            with open(f"{self.root}/{name}", "rb", buffering=0) as file:
                data = file.read()
        except OSError as error:
            raise ImageError(f"cannot be read: {error.strerror}") from None
        if not data:
            raise ImageError("the file is empty (0 bytes)")
        return data


def open_source(uri: str) -> ImageSource:
    """The images that a URI names: a folder (with all folders below it), a glob pattern, or a manifest.

    A manifest is a .txt file with one image a line, relative to the manifest's own folder.

    Raises:
        DetloopError: nothing is there, or no image is in it.
    """
    path = local_path(uri)
    if path.is_dir():
        source = ImageSource(path, lambda: _names_in_folder(path))
    elif path.suffix == ".txt" and path.is_file():
        source = _manifest_source(path)
    elif glob.has_magic(uri):
        source = _glob_source(path)
    else:
        raise DetloopError(f"{uri}: no such image folder; give a folder, a glob pattern or a .txt manifest")
    if next(source.names(), None) is None:
        raise DetloopError(f"{uri}: no image there (looked for {', '.join(sorted(IMAGE_SUFFIXES))})")
    return source


def _names_in_folder(root: Path, prefix: str = "", above: frozenset[tuple[int, int]] = frozenset()) -> Iterator[str]:
    """Names below a folder; a folder sorts as its name and `/`, so that the walk yields whole names in order.

    Args:
        above: device and inode of the folders on the way here, into which a link must not lead back.
    """
    state = os.stat(root)
    here = (state.st_dev, state.st_ino)
    if here in above:
        return
    with os.scandir(root) as entries:
        keys = sorted(entry.name + "/" if entry.is_dir() else entry.name for entry in entries)
    for key in keys:
        if key.startswith("."):
            continue
        if key.endswith("/"):
            yield from _names_in_folder(root / key, prefix + key, above | {here})
        elif os.path.splitext(key)[1].lower() in IMAGE_SUFFIXES:
            yield prefix + key


def _manifest_source(manifest: Path) -> ImageSource:
    names = sorted(
        {
            line.strip()
            for line in manifest.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
            if line.strip()
        }
    )
    for name in names:
        inside(manifest.parent, name)
    return ImageSource(manifest.parent, lambda: iter(names))


def _glob_source(pattern: Path) -> ImageSource:
    plain = list(pattern.parts)
    while any(glob.has_magic(part) for part in plain):
        plain.pop()
    root = Path(*plain) if plain else Path(".")
    matches = glob.glob(str(pattern.relative_to(root)), root_dir=root, recursive=True)
    names = sorted(name.replace(os.sep, "/") for name in matches if os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES)
    return ImageSource(root, lambda: iter(names))


@dataclass(frozen=True)
class ImageHeader:
    """What an image's first bytes tell: stored size in pixels (EXIF rotation not applied) and PIL's format name."""

    width: int
    height: int
    format: str


def read_header(data: bytes) -> ImageHeader:
    """Size and format without decoding the pixels.

    Raises:
        ImageError: the bytes are no image that PIL knows.
    """
    with _opened(data) as image:
        return ImageHeader(image.width, image.height, image.format or "")


def decode_rgb(data: bytes, at_least_px: int | None = None) -> np.ndarray:
    """Pixels as uint8 [height, width, 3], as stored: EXIF rotation is not applied, as tf.image.decode_jpeg does not.

    Grey is repeated, alpha is dropped, palettes and CMYK are converted, 16 bits are cut to the upper 8 (as
    tf.image.decode_png does); of an animation the first frame is taken.

    Args:
        data: the image as it is stored.
        at_least_px: the longer side may come out shorter, down to this: a JPEG is decoded at a half, a quarter or an
            eighth of its size then, in a fraction of the time.

    Raises:
        ImageError: the bytes are no image, or a damaged one.
    """
    with _opened(data) as image:
        try:
            if at_least_px is not None and max(image.size) > at_least_px:
                share = at_least_px / max(image.size)
                image.draft(None, (math.ceil(image.width * share), math.ceil(image.height * share)))
            image.load()
            if image.mode.startswith("I"):
                return _rgb_of_deep_grey(np.asarray(image))
            if image.mode == "F":
                raise ImageError("has floating-point pixels; convert it to 8 bits a channel")
            return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            raise ImageError(f"cannot be decoded: {one_line(error)}") from None


def _rgb_of_deep_grey(grey: np.ndarray) -> np.ndarray:
    return np.repeat((grey >> 8).clip(0, 255).astype(np.uint8)[:, :, np.newaxis], 3, axis=2)


def _opened(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise ImageError("is not an image (no known image format)") from None
    except Image.DecompressionBombError:
        raise ImageError(f"has more than {2 * (Image.MAX_IMAGE_PIXELS or 0)} pixels") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise ImageError(f"cannot be read as an image: {one_line(error)}") from None
