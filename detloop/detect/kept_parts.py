"""What a detection has found so far, kept in a store, from which another machine can go on."""

import hashlib
import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from detloop.errors import DetloopError
from detloop.store import Store, in_bucket, open_store, sha256_of

KEEP_EVERY_SECONDS = 30.0
"""A machine that is lost loses at most about so much work."""

_FOLDER = "unfinished"


def parts_beside(output_uri: str) -> str:
    """Where the parts of a step's detection are kept: near its output in the bucket, since a pod's disk goes with it.

    Not below the output's own key, nor at one that begins with it: KFP fetches all of these as the output. A retried
    pod is given the URI again, another run is not. Empty for an output on this machine, which needs no parts.
    """
    return f"{output_uri.rpartition('/')[0]}/{_FOLDER}" if in_bucket(output_uri) else ""


class KeptParts:
    """The growing tables of one detection in a store, a part at a time, each written whole.

    A store that cannot be written or read is told once and then left alone: no detection fails of it.

    Args:
        uri: a folder or a bucket's prefix; parts of other settings or images lie beside these and are never met.
        settings: what the tables' content depends on, as JSON values that are the same on every machine.
        names: the images, in order.
        tables: the names of the files that grow.
    """

    def __init__(self, uri: str, settings: dict[str, Any], names: Iterable[str], tables: tuple[str, ...]) -> None:
        self._uri, self._tables = f"{uri.rstrip('/')}/{_digest(settings, names)}", tables
        self._store: Store | None = None
        self._parts, self._sizes_bytes = 0, dict.fromkeys(tables, 0)
        self._kept_at = float("-inf")
        try:
            self._store = open_store(self._uri)
        except DetloopError as error:
            self._give_up(error)

    def restore(self, folder: Path) -> bool:
        """Writes the tables to a folder as far as they are kept; False where nothing is."""
        if self._store is None:
            return False
        try:
            while self._store.exists(name := self._next_name()):
                part = json.loads(self._store.read_bytes(name))
                if part["from_bytes"] != self._sizes_bytes:
                    break
                self._append(folder, part["rows"])
        except (DetloopError, ValueError, KeyError, TypeError) as error:
            self._give_up(error)
        return self._parts > 0

    def _next_name(self) -> str:
        return f"{self._parts:06}.json"

    def _append(self, folder: Path, rows: dict[str, str]) -> None:
        data = {table: rows[table].encode("utf-8", "surrogateescape") for table in self._tables}
        for table in self._tables:
            with (folder / table).open("ab") as file:
                file.write(data[table])
            self._sizes_bytes[table] += len(data[table])
        self._parts += 1

    def keep(self, folder: Path, sizes_bytes: dict[str, int]) -> None:
        """Keeps what the tables have gained, up to these sizes, unless a part was kept a moment ago."""
        if self._store is None or time.monotonic() < self._kept_at + KEEP_EVERY_SECONDS:
            return
        rows = {table: self._gained(folder / table, sizes_bytes[table]) for table in self._tables}
        part = {"from_bytes": self._sizes_bytes, "rows": rows}
        try:
            self._store.write_bytes(self._next_name(), json.dumps(part).encode())
        except (DetloopError, OSError) as error:
            self._give_up(error)
            return
        self._parts, self._sizes_bytes, self._kept_at = self._parts + 1, dict(sizes_bytes), time.monotonic()

    def _gained(self, table: Path, size_bytes: int) -> str:
        start = self._sizes_bytes[table.name]
        with table.open("rb") as file:
            file.seek(start)
            return file.read(size_bytes - start).decode("utf-8", "surrogateescape")

    def _give_up(self, error: Exception) -> None:
        self._store = None
        print(
            f"what is found is not kept at {self._uri}, a lost machine loses it: {error}", file=sys.stderr, flush=True
        )


def content_of(model: Path) -> list[list[str]]:
    """What a model's files hold, which is the same on every machine: the name and SHA-256 of each."""
    files = sorted(path for path in model.rglob("*") if path.is_file()) if model.is_dir() else [model]
    return [[path.relative_to(model).as_posix(), sha256_of(path)] for path in files]


def _digest(settings: dict[str, Any], names: Iterable[str]) -> str:
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for name in names:
        digest.update(name.encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()[:16]
