"""The tables of all shards put together: those of a detection that looked at every image itself."""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from detloop.csv_rows import csv_text
from detloop.detect.summary import counted_classes
from detloop.detect.tables import IMAGES_NAME, check_output
from detloop.detections import DETECTION_COLUMNS, IMAGE_COLUMNS, read_image_rows, read_names_and_classes
from detloop.errors import DetloopError
from detloop.listing import read_listing
from detloop.store import write_file_whole


@dataclass(frozen=True)
class CollectSummary:
    """Counts over all shards.

    Attributes:
        output: the detections table; images.csv lies beside it.
        boxes_of_class: boxes of each class, most frequent first.
        unreadable: images that could not be read.
    """

    output: Path
    shards: int
    images: int
    boxes_of_class: dict[str, int]
    unreadable: int

    @property
    def boxes(self) -> int:
        return sum(self.boxes_of_class.values())

    def __str__(self) -> str:
        text = f"collected {self.boxes} boxes in {self.images} images from {self.shards} shards into {self.output}"
        return text + (f"\ncould not read {self.unreadable} images, see images.csv" if self.unreadable else "")

    def metadata(self) -> dict[str, int | float | str]:
        """The counts for a pipeline artifact."""
        return {
            "images": self.images,
            "boxes": self.boxes,
            "classes": ", ".join(counted_classes(self.boxes_of_class)),
            "unreadable_images": self.unreadable,
            "shards": self.shards,
        }


def collect_tables(*, shards: Sequence[Path], output: Path, listing: Path | None = None) -> CollectSummary:
    """Writes one detections table, and images.csv beside it, from those of shards, which may come in any order.

    Args:
        shards: their detections tables, each with its images.csv beside it.
        output: the table to write.
        listing: the images that were to be looked at; None to take what the shards have.

    Raises:
        DetloopError: a table is missing or damaged, two shards have one image, or the shards lack one of the listing.
    """
    check_output(output)
    if not shards:
        raise DetloopError("there is no shard to collect; give the detections.csv of each")
    in_order = sorted(shards, key=lambda table: next(_names(table), ""))
    images, unreadable = _check_order(in_order)
    if listing is not None:
        _check_complete(in_order, listing)
    boxes_of_class = Counter(name for table in in_order for _, name in read_names_and_classes(table))
    output.unlink(missing_ok=True)
    images_tables = [_images_table(table) for table in in_order]
    _put_together(images_tables, csv_text([IMAGE_COLUMNS]).encode(), output.with_name(IMAGES_NAME))
    _put_together(in_order, csv_text([DETECTION_COLUMNS]).encode(), output)
    return CollectSummary(output, len(shards), images, dict(boxes_of_class.most_common()), unreadable)


def _images_table(table: Path) -> Path:
    return table.with_name(IMAGES_NAME)


def _names(table: Path) -> Iterator[str]:
    return (row.filename for row in read_image_rows(_images_table(table)))


def _check_order(tables: Iterable[Path]) -> tuple[int, int]:
    """Makes sure that each shard goes on where the one before it ended; counts the images and the unreadable ones."""
    images = unreadable = 0
    previous = ""
    for table in tables:
        for row in read_image_rows(_images_table(table)):
            if row.filename <= previous:
                raise DetloopError(
                    f"{_images_table(table)}: {row.filename} does not follow {previous}; give each shard of one"
                    " detection once"
                )
            previous = row.filename
            images, unreadable = images + 1, unreadable + bool(row.error)
    return images, unreadable


def _check_complete(tables: Iterable[Path], listing: Path) -> None:
    names = (name for table in tables for name in _names(table))
    for image, name in zip_longest(read_listing(listing), names):
        if image is None or name is None or not image.uri.endswith(f"/{name}"):
            missing = f"{listing} has {image.uri}" if image else f"{listing} ends"
            raise DetloopError(f"{missing} where the shards have {name or 'no more'}; detect every shard of it")


def _put_together(tables: Iterable[Path], header: bytes, output: Path) -> None:
    """Writes the tables' rows below one header; the bytes of a row stay what they are."""
    with write_file_whole(output) as partial, partial.open("wb") as whole:
        whole.write(header)
        for table in tables:
            with table.open("rb") as part:
                if part.read(len(header)) != header:
                    raise DetloopError(f"{table}: does not begin with {header.decode().strip()}; detect it again")
                shutil.copyfileobj(part, whole)
