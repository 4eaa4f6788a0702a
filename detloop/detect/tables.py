"""The two tables while they grow: kept in a folder beside the output, so that an interrupted run can go on."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import IO, Any

from detloop.csv_rows import csv_text, open_csv_for_writing
from detloop.detect.kept_parts import KeptParts
from detloop.detect.summary import DetectTally
from detloop.detect.views import ViewOptions
from detloop.detections import (
    DETECTION_COLUMNS,
    IMAGE_COLUMNS,
    ImageDetections,
    ImageRow,
    detection_rows,
    image_row,
    read_image_rows,
    read_names_and_classes,
)
from detloop.errors import DetloopError
from detloop.store import partial_path, remove_folder, write_file_whole

IMAGES_NAME = "images.csv"
DETECTIONS_NAME = "detections.csv"
TABLES = (IMAGES_NAME, DETECTIONS_NAME)
STATE_NAME = "run.json"


class GrowingTables:
    """Both tables of a run under way, and the counts of what is in them; use `open_tables`.

    A killed process leaves rows behind that are torn, or of images whose other table lacks them. What `keep` has
    noted is whole, and the next run cuts off the rest.
    """

    def __init__(
        self, folder: Path, settings: dict[str, Any], is_kept: bool, views: ViewOptions, parts: KeptParts | None
    ) -> None:
        self.tally = DetectTally(views)
        self._folder, self._settings, self._parts = folder, settings, parts
        if is_kept:
            self._count_rows()
        self._images = open_csv_for_writing(folder / IMAGES_NAME, append=is_kept)
        self._detections = open_csv_for_writing(folder / DETECTIONS_NAME, append=is_kept)
        if not is_kept:
            self._images.write(csv_text([IMAGE_COLUMNS]))
            self._detections.write(csv_text([DETECTION_COLUMNS]))

    def _count_rows(self) -> None:
        for row in read_image_rows(self._folder / IMAGES_NAME):
            self.tally.see_image(row)
        self.tally.see_boxes(name for _, name in read_names_and_classes(self._folder / DETECTIONS_NAME))

    def write(self, row: ImageRow, found: ImageDetections | None) -> None:
        """Adds an image and its boxes.

        Raises:
            OSError: the disk is full; the error names the file.
        """
        with _naming(self._images):
            self._images.write(csv_text([image_row(row)]))
        self.tally.see_image(row)
        if found is not None:
            with _naming(self._detections):
                self._detections.write(csv_text(detection_rows(found)))
            self.tally.see_boxes(found.class_names)

    def keep(self) -> None:
        """Notes that all written so far is whole: a later run goes on from here.

        Raises:
            OSError: the disk is full; the error names the file.
        """
        kept = _Kept(self.tally.images, _flushed_size_bytes(self._images), _flushed_size_bytes(self._detections))
        with write_file_whole(self._folder / STATE_NAME) as partial:
            partial.write_text(json.dumps({"settings": self._settings, "kept": asdict(kept)}), encoding="utf-8")
        if self._parts is not None:
            sizes_bytes = dict(zip(TABLES, (kept.images_bytes, kept.detections_bytes), strict=True))
            self._parts.keep(self._folder, sizes_bytes)

    def finish(self, output: Path) -> None:
        """Gives both tables their final names, that of the detections last: where it is, both are of one run."""
        self.keep()
        self.close()
        output.unlink(missing_ok=True)
        (self._folder / IMAGES_NAME).replace(output.with_name(IMAGES_NAME))
        (self._folder / DETECTIONS_NAME).replace(output)
        remove_folder(self._folder)

    def close(self) -> None:
        """Closes the files; rows of a failed run that the disk has no room for are no second failure."""
        for file in (self._images, self._detections):
            with suppress(OSError):
                file.close()


@contextmanager
def open_tables(
    output: Path,
    settings: dict[str, Any],
    names: Iterable[str],
    resume: bool,
    views: ViewOptions,
    parts: KeptParts | None = None,
) -> Iterator[GrowingTables]:
    """The tables of a run, gone on with where an earlier run of the same settings was interrupted.

    Args:
        output: the final name of the detections table; see `check_output`.
        settings: what the tables' content depends on, as JSON values.
        names: the source's images in order; those that the earlier run looked at must be the first of them.
        resume: False to start anew in any case.
        views: how an image is looked at, for the counts.
        parts: where what is found is kept too, and gone on with where this machine has nothing.
    """
    folder = partial_path(output)
    is_kept = resume and _cut_to_kept(folder, settings, names)
    if not is_kept:
        remove_folder(folder)
        folder.mkdir(parents=True)
        is_kept = resume and parts is not None and parts.restore(folder)
    tables = GrowingTables(folder, settings, is_kept, views, parts)
    try:
        yield tables
    finally:
        tables.close()


def check_output(output: Path) -> None:
    """Makes sure that a detections table can bear this name.

    Raises:
        DetloopError: it is a folder, or the name of the images table.
    """
    if output.is_dir():
        raise DetloopError(f"{output}: is a folder; give the CSV file to write")
    if output.name == IMAGES_NAME:
        raise DetloopError(f"{output}: {IMAGES_NAME} is the table of the images; give the detections another name")


@dataclass(frozen=True)
class _Kept:
    """How much of the tables is whole: the images they hold and their lengths."""

    images: int
    images_bytes: int
    detections_bytes: int


def _cut_to_kept(folder: Path, settings: dict[str, Any], names: Iterable[str]) -> bool:
    """Cuts the tables that an earlier run left to what is whole; False when nothing there fits this run."""
    try:
        state = json.loads((folder / STATE_NAME).read_text(encoding="utf-8"))
        kept = _Kept(**state["kept"])
        if state["settings"] != settings:
            return False
        for name, size_bytes in ((IMAGES_NAME, kept.images_bytes), (DETECTIONS_NAME, kept.detections_bytes)):
            if (folder / name).stat().st_size < size_bytes:
                return False
            os.truncate(folder / name, size_bytes)
        looked_at = (row.filename for row in read_image_rows(folder / IMAGES_NAME))
        return all(old == new for old, new in zip_longest(looked_at, islice(names, kept.images)))
    except (OSError, ValueError, KeyError, TypeError, DetloopError):
        return False


def _flushed_size_bytes(file: IO[str]) -> int:
    with _naming(file):
        file.flush()
    return os.fstat(file.fileno()).st_size


@contextmanager
def _naming(file: IO[str]) -> Iterator[None]:
    """Puts the file's name into an error of the system, which leaves it out when a write fails."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, file.name) from None
