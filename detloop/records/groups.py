"""What an image belongs to; images of one group are never on both sides of the split."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from detloop.csv_rows import open_csv_for_reading
from detloop.errors import DetloopError

FILENAME_COLUMN = "filename"
EXAMPLE_NAMES = 3


class Grouping(Protocol):
    """A rule that gives images their groups."""

    @property
    def option(self) -> str:
        """The option that asked for it, as it is called in messages."""

    def group(self, position: int, filename: str) -> str | None:
        """The group of the image at a position (from 0) in the order of the names; None for one that is in none."""


@dataclass(frozen=True)
class ByPattern:
    """Images in whose names a regular expression matches the same text."""

    pattern: re.Pattern[str]

    @property
    def option(self) -> str:
        return f"--group-by {self.pattern.pattern!r}"

    def group(self, position: int, filename: str) -> str | None:
        """What the pattern matched: its first group where it has one."""
        match = self.pattern.search(filename)
        return (match.group(1 if match.re.groups else 0) or None) if match else None


@dataclass(frozen=True)
class ByTime:
    """Frames of a film: blocks of so many consecutive images in the order of their names."""

    images: int

    @property
    def option(self) -> str:
        return f"--group-by-time {self.images}"

    def group(self, position: int, filename: str) -> str | None:
        start = position - position % self.images
        return f"{start:06d}-{start + self.images - 1:06d}"


@dataclass(frozen=True)
class ByColumn:
    """Images with the same value in a column of a manifest; it is held in memory, a name and a value an image."""

    column: str
    manifest: Path
    value_of: dict[str, str]

    @property
    def option(self) -> str:
        return f"--group-by-column {self.column}"

    def group(self, position: int, filename: str) -> str | None:
        """The image's value; None where it is empty.

        Raises:
            DetloopError: the manifest lacks the image.
        """
        if filename not in self.value_of:
            raise DetloopError(f"{self.manifest}: has no row for {filename}; {self.option} needs one an image")
        return self.value_of[filename] or None


def read_manifest_column(manifest: Path, column: str) -> ByColumn:
    """Reads a CSV with the columns `filename` and `column`.

    Raises:
        DetloopError: a column is missing, a row is too short, or an image stands there with two values.
    """
    value_of: dict[str, str] = {}
    with open_csv_for_reading(manifest, "manifest") as file:
        reader = csv.DictReader(file)
        for name in (FILENAME_COLUMN, column):
            if name not in (reader.fieldnames or ()):
                raise DetloopError(
                    f"{manifest}: column {name} is missing; it has {', '.join(reader.fieldnames or ('none',))}"
                )
        for row in reader:
            filename, value = row[FILENAME_COLUMN], row[column]
            if filename is None or value is None:
                raise DetloopError(f"{manifest}, line {reader.line_num}: too few values")
            if value_of.get(filename, value) != value:
                raise DetloopError(
                    f"{manifest}, line {reader.line_num}: {filename} is in {value!r} here and in"
                    f" {value_of[filename]!r} above"
                )
            value_of[filename] = value
    return ByColumn(column, manifest, value_of)


def choose_grouping(
    group_by: str | None, group_by_time: int | None, group_by_column: str | None, manifest: Path | None
) -> Grouping | None:
    """The grouping that the options ask for; None where each image stands by itself.

    Raises:
        DetloopError: the options contradict each other, or the regular expression or the manifest is none.
    """
    given = {"--group-by": group_by, "--group-by-time": group_by_time, "--group-by-column": group_by_column}
    named = [option for option, value in given.items() if value is not None]
    if len(named) > 1:
        raise DetloopError(f"{' and '.join(named)} cannot be combined; give one")
    if (group_by_column is None) != (manifest is None):
        raise DetloopError("--group-by-column and --manifest belong together; give both")
    if group_by_time is not None:
        return ByTime(group_by_time)
    if group_by_column is not None and manifest is not None:
        return read_manifest_column(manifest, group_by_column)
    if group_by is None:
        return None
    try:
        return ByPattern(re.compile(group_by))
    except re.error as error:
        raise DetloopError(f"--group-by {group_by!r} is not a regular expression: {error}") from None


class GroupCheck:
    """Finds out whether a grouping puts any image in a group, and not all in one."""

    def __init__(self, grouping: Grouping | None) -> None:
        self._grouping = grouping
        self._names: list[str] = []
        self._position = 0
        self._matches = False
        self._first_group: str | None = None
        self._differ = False

    def see(self, filename: str) -> None:
        """Looks at the next image in the order of the names."""
        if self._grouping is None:
            return
        if len(self._names) < EXAMPLE_NAMES and filename not in self._names:
            self._names.append(filename)
        group = self._grouping.group(self._position, filename)
        self._position += 1
        self._matches = self._matches or group is not None
        self._differ = self._differ or self._first_group not in (None, group or filename)
        self._first_group = group or filename

    def finish(self) -> None:
        """Raises DetloopError, with three names as examples, when the groups cannot part the images."""
        if self._grouping is None:
            return
        option, names = self._grouping.option, ", ".join(self._names)
        if not self._matches:
            raise DetloopError(f"{option} matches no file name, such as {names}")
        if not self._differ:
            raise DetloopError(f"{option} puts all images in one group ({self._first_group!r}), such as {names}")
