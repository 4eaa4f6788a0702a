"""The folder for what was fetched, whose content is checked whenever it is used."""

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from detloop.ahead import map_ahead
from detloop.errors import DetloopError
from detloop.progress import Progress
from detloop.store.interface import Entry, Store
from detloop.store.local import sha256_of
from detloop.store.uri import inside
from detloop.store.whole import remove_folder

CACHE_VARIABLE = "DETLOOP_CACHE"
FETCHING_THREADS = 4
_CONTENT_NAME, _SUMS_NAME = "content", "SHA256SUMS"


def cache_root() -> Path:
    """$DETLOOP_CACHE, or the platform's folder for a user's caches, or one in the folder for temporary files.

    Raises:
        DetloopError: the last of these is somebody else's.
    """
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return Path(given).expanduser().absolute()
    import platformdirs

    usual = platformdirs.user_cache_path("detloop")
    if usual.is_absolute():
        with suppress(OSError):
            usual.mkdir(parents=True, exist_ok=True)
            if os.access(usual, os.W_OK):
                return usual
    return _own_temporary_folder()


def fetched_folder(store: Store, find_entries: Callable[[], list[Entry]]) -> Path:
    """The folder with some of a store's files by their names, fetched where it is not there whole and undamaged.

    Args:
        find_entries: gives the files; asked again after they were fetched.

    Raises:
        DetloopError: the files changed meanwhile, or one's name leaves the folder.
    """
    entries = find_entries()
    folder = cache_root() / "fetched" / _key(store, entries)
    if not _is_whole(folder):
        remove_folder(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="partial-", ignore_cleanup_errors=True) as partial:
            _fetch_all(store, entries, Path(partial) / "whole")
            if find_entries() != entries:
                raise DetloopError(f"{store.root}: changed while it was fetched; run it again")
            with suppress(OSError):
                (Path(partial) / "whole").rename(folder)
    if not _is_whole(folder):
        raise DetloopError(f"{folder}: is damaged as soon as it is written; set {CACHE_VARIABLE} to another folder")
    return folder / _CONTENT_NAME


def _fetch_all(store: Store, entries: Sequence[Entry], folder: Path) -> None:
    """Fetches the files and writes down their SHA-256, in the form that `sha256sum --check` reads."""
    content = folder / _CONTENT_NAME

    def fetch(entry: Entry) -> str:
        path = inside(content, entry.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        store.fetch(entry.name, path)
        if path.stat().st_size != entry.size_bytes:
            raise DetloopError(f"{store.root}/{entry.name}: changed while it was fetched; run it again")
        return f"{sha256_of(path)}  {_CONTENT_NAME}/{entry.name}\n"

    with Progress("fetch", len(entries), unit="files") as progress:
        sums = []
        for line in map_ahead(fetch, entries, FETCHING_THREADS, 2 * FETCHING_THREADS):
            sums.append(line)
            progress.update()
    (folder / _SUMS_NAME).write_text("".join(sums), encoding="utf-8")


def _is_whole(folder: Path) -> bool:
    """Whether an earlier run fetched into the folder, and all of it is still what was fetched."""
    try:
        lines = (folder / _SUMS_NAME).read_text(encoding="utf-8").removesuffix("\n").split("\n")
        sums = [line.split("  ", 1) for line in lines]
        return bool(sums) and all(sha256_of(inside(folder, name)) == sha256 for sha256, name in sums)
    except (OSError, ValueError, DetloopError):
        return False


def _key(store: Store, entries: Sequence[Entry]) -> str:
    texts = [store.identity, *(f"{entry.name} {entry.size_bytes} {entry.version}" for entry in entries)]
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _own_temporary_folder() -> Path:
    """A folder of this user alone, the same in every process: a container's user need not have a home."""
    folder = Path(tempfile.gettempdir()) / f"detloop-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise DetloopError(f"{folder}: is not this user's folder; set {CACHE_VARIABLE} to one that is")
    return folder
