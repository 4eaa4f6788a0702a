"""What a run's inputs are at this moment, as short texts that KFP's cache can tell apart."""

import glob
import hashlib
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import detloop
from detloop.images import open_source
from detloop.store import files_state, in_bucket, local_path, sha256_of


def images_fingerprint(images: str, *others: str) -> str:
    """Changes when an image comes, goes or is rewritten, when another input's content does, and when detloop does.

    Of images, which may be many, the sizes and times of change are looked at; of the other inputs the content. Of what
    lies in a bucket nothing is read: the bucket keeps checksums.
    """
    return _digest(chain(open_source(images).states(), _contents(others), _own_code()))


def files_fingerprint(*uris: str) -> str:
    """Changes when a file's content does, or detloop's; an empty URI stands for nothing."""
    return _digest(chain(_contents(uris), _own_code()))


def _own_code() -> Iterator[str]:
    yield detloop.__version__
    yield from (sha256_of(path) for path in sorted(Path(detloop.__file__).parent.rglob("*.py")))


def _contents(uris: Iterable[str]) -> Iterator[str]:
    for uri in uris:
        yield uri
        if in_bucket(uri):
            yield from ("\0".join(map(str, state)) for state in files_state(uri, Path()))
        elif uri:
            yield from (f"{path}\0{sha256_of(path)}" for path in _files_of(local_path(uri)))


def _files_of(path: Path) -> list[Path]:
    """The file itself, the files of a folder, or those that begin with a checkpoint's prefix."""
    if path.is_file():
        return [path]
    files = path.rglob("*") if path.is_dir() else path.parent.glob(f"{glob.escape(path.name)}.*")
    return sorted(file for file in files if file.is_file())


def _digest(texts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()[:16]
