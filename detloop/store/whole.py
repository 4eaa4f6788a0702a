"""Local files and folders, written whole or not at all."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from detloop.errors import DetloopError


def partial_path(path: Path) -> Path:
    """Where a file or folder is built before it gets its final name: beside it, so that the rename is atomic."""
    return path.with_name(path.name + ".partial")


@contextmanager
def write_file_whole(path: Path) -> Iterator[Path]:
    """Yields a path beside `path` to write to; it becomes `path` when the block ends, and is removed when it raises.

    An OSError that names no file, as that of a write to a full disk, leaves with the name of `path`.
    """
    partial = partial_path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield partial
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)
        raise
    partial.replace(path)


@contextmanager
def write_folder_whole(path: Path, own_names: str) -> Iterator[Path]:
    """Yields an empty folder beside `path` to fill; it replaces `path` when the block ends, or is removed.

    A folder already there is moved aside first, since a rename cannot replace a folder that holds something: killed
    between the two renames, `path` is missing and `path.replaced` holds what was there.

    Args:
        own_names: regular expression of the names that a folder of this kind holds.

    Raises:
        DetloopError: `path` is a file, or a folder that holds other names, which would be lost.
    """
    path = path.resolve()
    _check_replaceable(path, own_names)
    partial, replaced = partial_path(path), path.with_name(path.name + ".replaced")
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_folder(partial)
    partial.mkdir()
    try:
        yield partial
    except BaseException:
        remove_folder(partial)
        raise
    remove_folder(replaced)
    if path.exists():
        path.rename(replaced)
    partial.rename(path)
    remove_folder(replaced)


def _check_replaceable(path: Path, own_names: str) -> None:
    if path.exists() and not path.is_dir():
        raise DetloopError(f"{path}: is a file; give a folder")
    names = sorted(os.listdir(path)) if path.exists() else []
    other = next((name for name in names if not re.fullmatch(own_names, name)), None)
    if other is not None:
        raise DetloopError(f"{path}: holds other files, such as {other}; give a new or empty folder")


def remove_folder(path: Path) -> None:
    """Removes a folder with all it holds; nothing there is no error."""
    if path.exists():
        shutil.rmtree(path)
