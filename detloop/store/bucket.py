"""What all buckets have in common: keys below a prefix, seen as files below a root."""

import io
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from detloop.store.interface import Entry, ObjectError
from detloop.store.uri import Location, check_inside
from detloop.store.whole import write_file_whole


class BucketStore(ABC):
    """The objects of a bucket whose keys begin with a prefix and a slash; see `Store`.

    A subclass speaks to the bucket, by keys; it turns what goes wrong into DetloopErrors.
    """

    def __init__(self, location: Location, endpoint: str, reading_threads: int) -> None:
        self.root = str(location)
        self.identity = f"{location} at {endpoint}"
        self.reading_threads = reading_threads
        self._bucket = location.bucket
        self._prefix = f"{location.key}/" if location.key else ""

    @abstractmethod
    def _objects(self, prefix: str) -> Iterator[Entry]:
        """The bucket's objects whose keys begin with `prefix`, each by its key, in the order of the keys' bytes."""

    @abstractmethod
    def _read(self, key: str) -> bytes:
        """An object's content; an object that is missing is an ObjectError."""

    @abstractmethod
    def _fetch(self, key: str, file: BinaryIO) -> None:
        """Writes an object's content to the start of a file, in pieces; a missing object is an ObjectError."""

    @abstractmethod
    def _write(self, key: str, data: BinaryIO, size_bytes: int) -> None:
        """Makes an object, which is there when all of it is."""

    def names(self) -> Iterator[str]:
        return (entry.name for entry in self.list())

    def list(self, prefix: str = "") -> Iterator[Entry]:
        skipped = len(self._prefix)
        for key, size_bytes, version in self._objects(self._prefix + prefix):
            if not key.endswith("/"):
                yield Entry(key[skipped:], size_bytes, version)

    def entries(self, names: Iterable[str]) -> Iterator[Entry]:
        """Found in one listing, which costs less than a request for each name."""
        listed = self.list()
        entry = next(listed, None)
        for name in names:
            while entry is not None and entry.name < name:
                entry = next(listed, None)
            yield entry if entry is not None and entry.name == name else Entry(name, 0, "")

    def exists(self, name: str) -> bool:
        return self._find(name) is not None

    def checksum(self, name: str) -> str:
        entry = self._find(name)
        if entry is None:
            raise ObjectError(self._uri(name), "no such object")
        return entry.version

    def _find(self, name: str) -> Entry | None:
        """The file's entry in the listing, which gives a reason where a HEAD request would give a bare status.

        Of the keys that begin with a key, that key itself is the first.
        """
        check_inside(self.root, name)
        first = next(self.list(name), None)
        return first if first is not None and first.name == name else None

    def read_bytes(self, name: str) -> bytes:
        return self._read(self._key(name))

    def fetch(self, name: str, path: Path) -> None:
        with write_file_whole(path) as partial, partial.open("w+b") as file:
            self._fetch(self._key(name), file)

    def write_bytes(self, name: str, data: bytes) -> None:
        self._write(self._key(name), io.BytesIO(data), len(data))

    def write_file(self, name: str, path: Path) -> None:
        with path.open("rb") as file:
            self._write(self._key(name), file, path.stat().st_size)

    def _key(self, name: str) -> str:
        check_inside(self.root, name)
        return self._prefix + name

    def _uri(self, name: str) -> str:
        return f"{self.root}/{name}"
