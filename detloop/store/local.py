"""A local folder as a store."""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from detloop.store.interface import Entry, ObjectError
from detloop.store.uri import check_inside, inside
from detloop.store.whole import write_file_whole


class LocalStore:
    """The files in a folder and below it; see `Store`. Names that begin with a dot are not listed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = str(folder)
        self.identity = str(folder.resolve())
        self.reading_threads = 1

    def names(self) -> Iterator[str]:
        return _names_in_folder(self.folder)

    def list(self, prefix: str = "") -> Iterator[Entry]:
        return self.entries(name for name in self.names() if name.startswith(prefix))

    def entries(self, names: Iterable[str]) -> Iterator[Entry]:
        return map(self._entry, names)

    def _entry(self, name: str) -> Entry:
        try:
            stat = os.stat(f"{self.root}/{name}")
        except OSError:
            return Entry(name, 0, "")
        return Entry(name, stat.st_size, str(stat.st_mtime_ns))

    def exists(self, name: str) -> bool:
        return inside(self.folder, name).is_file()

    def checksum(self, name: str) -> str:
        return sha256_of(self._existing(name))

    def _existing(self, name: str) -> Path:
        path = inside(self.folder, name)
        if not path.is_file():
            raise ObjectError(str(path), "no such file")
        return path

    def read_bytes(self, name: str) -> bytes:
        check_inside(self.folder, name)
        path = f"{self.root}/{name}"
        try:
            with open(path, "rb", buffering=0) as file:
                return file.read()
        except OSError as error:
            raise ObjectError(path, str(error.strerror)) from None

    def fetch(self, name: str, path: Path) -> None:
        shutil.copyfile(self._existing(name), path)

    def write_bytes(self, name: str, data: bytes) -> None:
        with write_file_whole(inside(self.folder, name)) as partial:
            partial.write_bytes(data)

    def write_file(self, name: str, path: Path) -> None:
        with write_file_whole(inside(self.folder, name)) as partial:
            shutil.copyfile(path, partial)


def sha256_of(path: Path) -> str:
    """The hexadecimal SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
        else:
            yield prefix + key
