"""Where images come from, and how their bytes become pixels."""

import fnmatch
import glob
import io
import math
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from PIL import Image, UnidentifiedImageError

from detloop.ahead import map_ahead
from detloop.errors import DetloopError, ImageError, UnsafeNameError, one_line
from detloop.store import ObjectError, Store, check_inside, in_bucket, local_path, open_store

# PIL warns of oddities in images that it decodes all the same. To silence it a call at a time is not safe in threads.
warnings.filterwarnings("ignore", module=r"PIL\.")

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP")
"""What PIL may take a file for; some of its other formats hand the file to another program."""

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"})


Item = TypeVar("Item")


@dataclass(frozen=True)
class ImageSource:
    """Images in one store, in the code-point order of their names.

    A name is the image's path relative to the store's root, with `/`; it is what tables call `filename`.
    """

    store: Store
    names: Callable[[], Iterator[str]]

    @property
    def root(self) -> str:
        """What errors call the folder or the bucket's prefix that names are relative to."""
        return self.store.root

    def read_bytes(self, name: str) -> bytes:
        """An image's stored bytes.

        Raises:
            ImageError: the file is missing, unreadable or empty, or its name is one that tables may not hold.
            DetloopError: the store cannot be reached.
        """
        try:
            data = self.store.read_bytes(name)
        except UnsafeNameError as error:
            raise ImageError(str(error)) from None
        except ObjectError as error:
            raise ImageError(f"cannot be read: {error.reason}") from None
        if not data:
            raise ImageError("the file is empty (0 bytes)")
        return data

    def read_ahead(
        self, items: Iterable[Item], name_of: Callable[[Item], str]
    ) -> Iterator[tuple[Item, Callable[[], bytes]]]:
        """Every item with what gives its image's bytes, or raises what `read_bytes` does.

        From a bucket, which answers slowly and many at a time, images are fetched before their turn: a bounded number
        of them. A local file is read when its bytes are asked for, in the thread that asks.
        """
        threads = self.store.reading_threads
        if threads == 1:
            return ((item, partial(self.read_bytes, name_of(item))) for item in items)
        return map_ahead(lambda item: (item, self._attempt(name_of(item))), items, threads, 2 * threads)

    def _attempt(self, name: str) -> Callable[[], bytes]:
        try:
            data = self.read_bytes(name)
        except DetloopError as error:
            return partial(_raise, error)
        return lambda: data

    def states(self) -> Iterator[str]:
        """What tells a source from another and from itself after a change: its root, and each image's name and state.

        Of local files the size and the time of change are looked at; a bucket keeps a checksum or an ETag.
        """
        yield self.store.identity
        yield from (f"{name}\0{size} {version}" for name, size, version in self.store.entries(self.names()))


def _raise(error: DetloopError) -> bytes:
    raise error


def open_source(uri: str) -> ImageSource:
    """The images that a URI names: a folder (with all folders below it), a glob pattern, or a manifest.

    A folder may be a bucket's prefix, as s3://bucket/folder; images are read where they are. A manifest is a .txt file
    with one image a line, relative to the manifest's own folder. Names that begin with a dot, and what lies in folders
    of such names, are left out.

    Raises:
        DetloopError: nothing is there, no image is in it, or the bucket cannot be reached.
    """
    source = _folder_source(uri) or _manifest_source(uri) or _glob_source(uri)
    if source is None:
        raise DetloopError(f"{uri}: no such image folder; give a folder, a glob pattern or a .txt manifest")
    if next(source.names(), None) is None:
        raise DetloopError(f"{uri}: no image there (looked for {', '.join(sorted(IMAGE_SUFFIXES))})")
    return source


def _folder_source(uri: str) -> ImageSource | None:
    """All images in a folder; None where there is none of this name."""
    if not in_bucket(uri) and not local_path(uri).is_dir():
        return None
    store = open_store(uri)
    if in_bucket(uri) and next(store.list(), None) is None:
        return None
    return ImageSource(store, lambda: filter(_is_image, store.names()))


def _is_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES and not name.startswith(".") and "/." not in name


def _manifest_source(uri: str) -> ImageSource | None:
    """The images that a manifest lists; None where there is no manifest of this name."""
    place = uri if in_bucket(uri) else str(local_path(uri))
    folder, _, manifest = place.rpartition("/")
    if not manifest.endswith(".txt"):
        return None
    store = open_store(folder or _top_of(place))
    if not store.exists(manifest):
        return None
    text = store.read_bytes(manifest).decode("utf-8", "surrogateescape")
    names = sorted({line.strip() for line in text.splitlines() if line.strip()})
    for name in names:
        check_inside(store.root, name)
    return ImageSource(store, lambda: iter(names))


def _glob_source(uri: str) -> ImageSource | None:
    """The images that a pattern matches, below the part of it that is plain; None where it is no pattern."""
    place = uri if in_bucket(uri) else str(local_path(uri))
    parts = place.split("/")
    depth = next((depth for depth, part in enumerate(parts) if glob.has_magic(part)), None)
    if depth is None:
        return None
    root, patterns = "/".join(parts[:depth]), parts[depth:]
    store = open_store(root or _top_of(place))
    if in_bucket(uri):
        return ImageSource(
            store, lambda: (n for n in store.names() if _is_image(n) and _matches(n.split("/"), patterns))
        )
    found = glob.glob("/".join(patterns), root_dir=store.root, recursive=True)
    names = sorted(filter(_is_image, (name.replace(os.sep, "/") for name in found)))
    return ImageSource(store, lambda: iter(names))


def _top_of(place: str) -> str:
    return "/" if place.startswith("/") else "."


def _matches(parts: Sequence[str], patterns: Sequence[str]) -> bool:
    """Whether `glob.glob` would match a path of these parts: `*` stays within a part, `**` is any number of parts."""
    if not patterns:
        return not parts
    if patterns[0] == "**":
        return any(_matches(parts[start:], patterns[1:]) for start in range(len(parts) + 1))
    return bool(parts) and fnmatch.fnmatchcase(parts[0], patterns[0]) and _matches(parts[1:], patterns[1:])


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


def decode_rgb(data: bytes) -> np.ndarray:
    """The pixels that `decode_image` gives, as uint8 [height, width, 3]; raises ImageError as it does."""
    return np.asarray(decode_image(data))


def decode_image(data: bytes, at_least_px: int | None = None) -> Image.Image:
    """The image as RGB, as stored: EXIF rotation is not applied, as tf.image.decode_jpeg does not.

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
                return Image.fromarray(_rgb_of_deep_grey(np.asarray(image)))
            if image.mode == "F":
                raise ImageError("has floating-point pixels; convert it to 8 bits a channel")
            return image if image.mode == "RGB" else image.convert("RGB")
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
