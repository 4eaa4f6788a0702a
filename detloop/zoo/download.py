"""Archives from the zoos' server or a mirror: sizes asked for, downloads resumed."""

import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from detloop.errors import DetloopError, one_line
from detloop.progress import Progress
from detloop.store import partial_path, sha256_of
from detloop.zoo.archive import check_archive
from detloop.zoo.cache import record_sha256
from detloop.zoo.catalog import ZooModel

ZOO_URL = "https://download.tensorflow.org/models/object_detection"
MIRROR_VARIABLE = "DETLOOP_ZOO_MIRROR"
LIMIT_BYTES = 8 * 2**30
STALLED_SECONDS = 30
MB = 1_000_000
_CHUNK_BYTES = 1 << 18
_RANGE_NOT_SATISFIABLE = 416


class UnreachableError(Exception):
    """Why an address gave nothing."""


def urls_of(model: ZooModel) -> list[str]:
    """Addresses of the model's archive: on the zoos' server, or in a mirror by the same path or the bare name.

    Raises:
        DetloopError: the mirror's address is not http(s):// or file://.
    """
    mirror = os.environ.get(MIRROR_VARIABLE, "").rstrip("/")
    if not mirror:
        return [f"{ZOO_URL}/{quote(model.path)}"]
    if urlsplit(mirror).scheme not in ("http", "https", "file"):
        raise DetloopError(f"{MIRROR_VARIABLE}={mirror}: give an http(s):// or file:// address")
    return list(dict.fromkeys(f"{mirror}/{quote(name)}" for name in (model.path, model.archive_name)))


def published_size_bytes(model: ZooModel) -> int:
    """The archive's size, as the server says.

    Raises:
        UnreachableError: it says nothing.
    """
    with _first_answer(urls_of(model), method="HEAD") as answer:
        return _length_of(answer)


def fetch(model: ZooModel, archive: Path) -> None:
    """Downloads the model's archive, going on where an interrupted download stopped; records its SHA-256.

    Raises:
        DetloopError: it could not be fetched, the message says what to put where; or it is not a whole archive.
    """
    partial = partial_path(archive)
    archive.parent.mkdir(parents=True, exist_ok=True)
    try:
        _download(model, partial)
    except UnreachableError as error:
        raise DetloopError(
            f"{model.archive_name} could not be fetched: {error}; download {urls_of(model)[0]} where there is a network"
            f" and put it there as {archive}, or name a mirror in {MIRROR_VARIABLE}"
        ) from None
    try:
        check_archive(partial)
    except DetloopError:
        partial.unlink()
        raise
    record_sha256(archive, sha256_of(partial))
    partial.replace(archive)


def _download(model: ZooModel, partial: Path) -> None:
    have_bytes = partial.stat().st_size if partial.exists() else 0
    with _first_answer(urls_of(model), start_bytes=have_bytes) as answer:
        if not _goes_on(answer):
            have_bytes = 0
        total_bytes = have_bytes + _length_of(answer)
        if total_bytes > LIMIT_BYTES:
            raise DetloopError(
                f"{answer.url}: has {total_bytes} bytes, more than the {LIMIT_BYTES} a zoo model may have"
            )
        with (
            open(partial, "ab" if have_bytes else "wb") as file,
            Progress(model.name, total_bytes // MB, unit="MB", start=have_bytes // MB) as progress,
        ):
            _copy(answer, file.write, have_bytes, progress)
    arrived_bytes = partial.stat().st_size
    if arrived_bytes != total_bytes:
        raise UnreachableError(f"{arrived_bytes} of {total_bytes} bytes arrived, running it again goes on from there")


def _copy(answer: Any, write: Callable[[bytes], object], have_bytes: int, progress: Progress) -> None:
    while chunk := answer.read(_CHUNK_BYTES):
        write(chunk)
        progress.update((have_bytes + len(chunk)) // MB - have_bytes // MB)
        have_bytes += len(chunk)


def _goes_on(answer: Any) -> bool:
    """Whether the server gives the rest that was asked for, rather than the whole from its beginning."""
    return bool(answer.status == http.client.PARTIAL_CONTENT)


def _length_of(answer: Any) -> int:
    length = answer.headers.get("Content-Length", "")
    if not length.isdecimal():
        raise UnreachableError(f"{_host(answer.url)} does not say its size")
    return int(length)


@contextmanager
def _first_answer(urls: list[str], method: str = "GET", start_bytes: int = 0) -> Iterator[Any]:
    """What the first of the addresses that has the file answers; all that fails is an UnreachableError."""
    try:
        with _open_first(urls, method, start_bytes) as answer:
            yield answer
    except urllib.error.HTTPError as error:
        raise UnreachableError(f"{_host(error.url)} answers {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise UnreachableError(_reason(error)) from None
    except (http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise UnreachableError(f"{type(error).__name__}: {one_line(error)}") from None


def _open_first(urls: list[str], method: str, start_bytes: int) -> Any:
    for url in urls[:-1]:
        try:
            return _open(url, method, start_bytes)
        except urllib.error.URLError:
            continue
    return _open(urls[-1], method, start_bytes)


def _open(url: str, method: str, start_bytes: int) -> Any:
    headers = {"Range": f"bytes={start_bytes}-"} if start_bytes else {}
    request = urllib.request.Request(url, method=method, headers=headers)  # noqa: S310
    try:
        return urllib.request.urlopen(request, timeout=STALLED_SECONDS)  # noqa: S310
    except urllib.error.HTTPError as error:
        if error.code == _RANGE_NOT_SATISFIABLE and start_bytes:
            return _open(url, method, start_bytes=0)
        raise


def _reason(error: urllib.error.URLError) -> str:
    reason = error.reason
    return (reason.strerror or str(reason)) if isinstance(reason, OSError) else str(reason)


def _host(url: str) -> str:
    return urlsplit(url).netloc or url
