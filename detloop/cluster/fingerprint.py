"""What a run's inputs are at this moment, as short texts that KFP's cache can tell apart."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import detloop
from detloop.images import open_source
from detloop.store import local_path


def images_fingerprint(images: str, *others: str) -> str:
    """Changes when an image comes, goes or is rewritten, when another input file does, and when detloop does."""
    source = open_source(images)
    paths = (source.path(name) for name in source.names())
    return _fingerprint([*_files_of(others), *_own_code()], paths)


def files_fingerprint(*uris: str) -> str:
    """Changes when one of the files is rewritten or detloop itself is; an empty URI stands for nothing."""
    return _fingerprint([*_files_of(uris), *_own_code()], ())


def _files_of(uris: Iterable[str]) -> list[Path]:
    roots = [local_path(uri) for uri in uris if uri]
    files = [sorted(root.rglob("*")) if root.is_dir() else [root] for root in roots]
    return [path for group in files for path in group]


def _own_code() -> list[Path]:
    return sorted(Path(detloop.__file__).parent.rglob("*.py"))


def _fingerprint(first: Iterable[Path], then: Iterable[Path]) -> str:
    digest = hashlib.sha256(detloop.__version__.encode())
    for paths in (first, then):
        for path in paths:
            digest.update(f"{path}\0{_size_and_time(path)}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]


def _size_and_time(path: Path) -> str:
    try:
        stat = path.stat()
    except OSError:
        return "missing"
    return f"{stat.st_size} {stat.st_mtime_ns}"
