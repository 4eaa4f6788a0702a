"""CSV files: opened so that every name keeps its bytes, written as pandas writes them, read by their columns' names."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import IO

from detloop.errors import DetloopError


def open_csv_for_writing(path: Path, append: bool = False) -> IO[str]:
    """A text file for csv.writer; names that are not valid UTF-8 keep their bytes."""
    return open(path, "a" if append else "w", newline="", encoding="utf-8", errors="surrogateescape")


def open_csv_for_reading(path: Path, what: str) -> IO[str]:
    """A text file for csv.reader, with or without a byte-order mark.

    Raises:
        DetloopError: no such file, or a folder; `what` names what was looked for.
    """
    try:
        return open(path, newline="", encoding="utf-8-sig", errors="surrogateescape")
    except FileNotFoundError:
        raise DetloopError(f"{path}: no such {what}") from None
    except IsADirectoryError:
        raise DetloopError(f"{path}: is a folder; give the {what} itself") from None


def csv_text(rows: Iterable[Sequence[str | int]]) -> str:
    r"""Rows as CSV, each ended by a newline alone, as pandas and the original script write it.

    A value that holds a lone carriage return, which a reader takes for the end of a line, gets its row quoted whole:
    csv.writer quotes it only where `\r` is part of the line terminator.
    """
    rows = list(rows)
    text = _csv_text(rows)
    if "\r" not in text:
        return text
    return "".join(_csv_text([row], quote_all="\r" in _csv_text([row])) for row in rows)


def _csv_text(rows: Iterable[Sequence[str | int]], quote_all: bool = False) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL, lineterminator="\n").writerows(rows)
    return text.getvalue()


def read_rows(
    file: IO[str], path: Path, required: tuple[str, ...], optional: str | None = None
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The line each row ends on, and its values of the required columns and the optional one, empty where it lacks.

    Raises:
        DetloopError: a required column is missing, or a row has too few or too many values; the message names the line.
    """
    reader = csv.reader(file)
    try:
        header = next(reader, None)
        if header is None:
            raise DetloopError(f"{path}: the file is empty; its first line must be {','.join(required)}")
        missing = [name for name in required if name not in header]
        if missing:
            raise DetloopError(f"{path}: column {', '.join(missing)} is missing; it has {', '.join(header)}")
        columns = len(header)
        wanted = required if optional is None else (*required, optional)
        values_of = itemgetter(*(header.index(name) if name in header else columns for name in wanted))
        for row in reader:
            if not row:
                continue
            if len(row) != columns:
                raise DetloopError(
                    f"{path}, line {reader.line_num}: {len(row)} values for {columns} columns;"
                    " quote a value that holds a comma"
                )
            row.append("")
            yield reader.line_num, values_of(row)
    except csv.Error as error:
        raise DetloopError(f"{path}, line {reader.line_num}: not CSV: {error}") from None


class BadRowError(Exception):
    """What is wrong with a row; who reads the file adds where it stands."""


def number(text: str, name: str) -> float:
    """The finite number that a column's text says; raises BadRowError where it says none."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadRowError(f"{name} is {text!r}, not a number")
    return value


def whole_number(text: str, name: str) -> int:
    """The number of pixels that a column's text says, as 640 or 640.0; raises BadRowError where it says none."""
    if text.isdecimal():
        return int(text)
    value = number(text, name)
    if value != int(value) or value < 0:
        raise BadRowError(f"{name} is {text!r}, not a whole number of pixels")
    return int(value)
