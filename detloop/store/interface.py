"""What every store can do, whatever holds its files."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from detloop.errors import DetloopError


class Entry(NamedTuple):
    """A file of a store.

    Attributes:
        name: relative to the store's root, with `/`.
        version: a short text that changes when the content does; empty where the file is missing.
    """

    name: str
    size_bytes: int
    version: str


class ObjectError(DetloopError):
    """One file cannot be read, for a reason that says nothing of the others.

    Attributes:
        reason: why, without the file's name.
    """

    def __init__(self, uri: str, reason: str) -> None:
        super().__init__(f"{uri}: {reason}")
        self.reason = reason


class Store(Protocol):
    """Files below a root: a local folder, or a bucket's keys with one prefix.

    What fails for a while is tried again before a method raises. All raise DetloopError for a name that leaves the
    root, and where the store cannot be reached or does not let one in. Methods may be called from several threads.

    Attributes:
        root: the folder's path or the URI, without a slash at the end.
        identity: the root in a form that no other store's has.
        reading_threads: how many reads at a time hide how slowly the store answers; 1 where it answers at once.
    """

    root: str
    identity: str
    reading_threads: int

    def names(self) -> Iterator[str]:
        """The names of all files, in code-point order; memory does not grow with their number."""
        ...

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """The files whose names begin with `prefix`, in code-point order of their names, as they come."""
        ...

    def entries(self, names: Iterable[str]) -> Iterator[Entry]:
        """The entries of these files, which are named in code-point order; of one that is missing without a version."""
        ...

    def exists(self, name: str) -> bool:
        """Whether there is a file of this name."""
        ...

    def checksum(self, name: str) -> str:
        """A text that differs for differing contents: a local file's SHA-256, or what the bucket keeps for it.

        Raises:
            ObjectError: there is no such file.
        """
        ...

    def read_bytes(self, name: str) -> bytes:
        """A file's content.

        Raises:
            ObjectError: the file is missing or cannot be read.
        """
        ...

    def fetch(self, name: str, path: Path) -> None:
        """Copies a file to the local `path`, piece by piece; raises ObjectError as `read_bytes` does."""
        ...

    def write_bytes(self, name: str, data: bytes) -> None:
        """Writes a file, whole or not at all."""
        ...

    def write_file(self, name: str, path: Path) -> None:
        """Copies the local file `path` into the store, whole or not at all."""
        ...
