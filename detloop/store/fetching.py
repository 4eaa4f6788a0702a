"""Files that TensorFlow must open by their names: where they lie, once fetched from a bucket if they are in one."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from detloop.errors import DetloopError
from detloop.store.cache import fetched_folder
from detloop.store.interface import Entry, Store
from detloop.store.opening import open_location
from detloop.store.uri import bucket_location, in_bucket, local_path

MOST_FILES = 1000


def fetch(uri: str, what: str, beside: Sequence[str] = ()) -> Path:
    """The local file or folder that a URI names; what lies in a bucket is fetched first, once for each content.

    Of a checkpoint's prefix, which is no file itself, all files that begin with it and a dot are fetched.

    Args:
        what: what an error calls it.
        beside: names of files that belong to it and lie in the same folder, where they are there.

    Raises:
        DetloopError: nothing is there, it has more than `MOST_FILES` files, or it changed while it was fetched. What a
            local path names need not be there.
    """
    if not in_bucket(uri):
        return local_path(uri)
    location = bucket_location(uri)
    store = open_location(location.parent)
    content = fetched_folder(store, lambda: _entries(store, location.name, what, beside))
    return content / location.name


def existing_file(uri: str, what: str, beside: Sequence[str] = ()) -> Path:
    """The file at `uri`, fetched where it lies in a bucket; see `fetch`.

    Raises:
        DetloopError: nothing is there, or a folder is.
    """
    path = fetch(uri, what, beside)
    named = uri if in_bucket(uri) else path
    if path.is_dir():
        raise DetloopError(f"{named}: is a folder; give the {what} file itself")
    if not path.exists():
        raise DetloopError(f"{named}: no such {what}")
    return path


def files_state(uri: str, used: Path) -> list[list[str | int]]:
    """What changes when the content at `uri` does, without reading it; for a bucket's, the same on every machine.

    Args:
        used: the local file or folder that the URI has led to; of a local one, paths, sizes and times are looked at.
    """
    if in_bucket(uri):
        location = bucket_location(uri)
        store = open_location(location.parent)
        entries = _entries(store, location.name, "file")
        return [[f"{store.identity}/{entry.name}", entry.size_bytes, entry.version] for entry in entries]
    files = sorted(path for path in used.rglob("*") if path.is_file()) if used.is_dir() else [used]
    states = [(path, path.stat()) for path in files]
    return [[str(path.resolve()), state.st_size, state.st_mtime_ns] for path, state in states]


def _entries(store: Store, name: str, what: str, beside: Sequence[str] = ()) -> list[Entry]:
    """What `name` is in a store: a file, the files of a folder, or those of a checkpoint's prefix; and what is beside.

    Raises:
        DetloopError: nothing is there, or a folder that holds too much to be what is asked for.
    """
    for prefix in (name, f"{name}/", f"{name}.") if name else ("",):
        entries = list(islice(store.list(prefix), MOST_FILES + 1))
        if prefix == name and name:
            entries = [entry for entry in entries[:1] if entry.name == name]
        if entries:
            break
    else:
        raise DetloopError(f"{store.root}/{name}: no such {what}")
    if len(entries) > MOST_FILES:
        raise DetloopError(f"{store.root}/{name}: holds more than {MOST_FILES} files; give the {what}'s own folder")
    siblings = (next(store.list(sibling), None) for sibling in beside)
    return list(dict.fromkeys([*entries, *(one for one in siblings if one is not None and one.name in beside)]))
