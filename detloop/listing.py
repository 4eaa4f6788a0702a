"""Image listings: which images, and in which state, as a CSV file that is read and compared as a stream.

    uri,size_bytes,version

One row an image, in the code-point order of the URIs: a path from the root, or s3://bucket/key and the like. version is
a short text that changes when the image does: a bucket's checksum or ETag, a local file's time of change.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from detloop.csv_rows import BadRowError, csv_text, open_csv_for_reading, open_csv_for_writing, read_rows, whole_number
from detloop.errors import DetloopError
from detloop.images import ImageSource
from detloop.store import check_inside, in_bucket, write_file_whole

LISTING_COLUMNS = ("uri", "size_bytes", "version")


class ListedImage(NamedTuple):
    """An image in the state that it had when it was listed; size in bytes."""

    uri: str
    size_bytes: int
    version: str


def list_images(source: ImageSource) -> Iterator[ListedImage]:
    """The images of a source, in the order of their names; memory does not grow with their number."""
    prefix = _prefix(source)
    for name, size_bytes, version in source.store.entries(source.names()):
        yield ListedImage(prefix + name, size_bytes, version)


def unseen(listed: Iterable[ListedImage], seen: Iterable[ListedImage]) -> Iterator[ListedImage]:
    """The listed images that are not among those seen, or have changed since; both are in the order of their URIs."""
    before = iter(seen)
    known = next(before, None)
    for image in listed:
        while known is not None and known.uri < image.uri:
            known = next(before, None)
        if known != image:
            yield image


def write_listing(path: Path, images: Iterable[ListedImage]) -> int:
    """Writes a listing, whole or not at all, and returns how many images it has."""
    count = 0
    with write_file_whole(path) as partial, open_csv_for_writing(partial) as file:
        file.write(csv_text([LISTING_COLUMNS]))
        for image in images:
            file.write(csv_text([image]))
            count += 1
    return count


def read_listing(path: Path) -> Iterator[ListedImage]:
    """The rows of a listing.

    Raises:
        DetloopError: there is none, a column is missing, a size is no number, or the order is not that of the URIs.
    """
    with open_csv_for_reading(path, "image listing") as file:
        previous = ""
        for line, (uri, size_text, version) in read_rows(file, path, LISTING_COLUMNS):
            try:
                image = ListedImage(uri, whole_number(size_text, "size_bytes"), version)
            except BadRowError as reason:
                raise DetloopError(f"{path}, line {line}: {reason}") from None
            if uri <= previous:
                raise DetloopError(f"{path}, line {line}: {uri} does not follow {previous} in order; list them again")
            previous = uri
            yield image


def only_listed(source: ImageSource, listing: Path) -> ImageSource:
    """The source with the images of a listing alone.

    Raises:
        DetloopError: the listing cannot be read, or has an image that lies elsewhere.
    """
    prefix = _prefix(source)

    def names() -> Iterator[str]:
        for image in read_listing(listing):
            if not image.uri.startswith(prefix):
                raise DetloopError(f"{listing}: lists {image.uri}, which is not in {source.root}; list that again")
            name = image.uri.removeprefix(prefix)
            check_inside(source.root, name)
            yield name

    return replace(source, names=names)


def _prefix(source: ImageSource) -> str:
    """What makes an image's name its URI, whatever folder or pattern the source was opened by."""
    root = source.root if in_bucket(source.root) else os.path.abspath(source.root)
    return f"{root.rstrip('/')}/"
