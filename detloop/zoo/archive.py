"""The zoos' .tar.gz archives, checked and unpacked as if an enemy had packed them."""

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from detloop.errors import DetloopError, one_line
from detloop.store import check_inside

_LONGEST_READ_BYTES = 1 << 20


@dataclass(frozen=True)
class Limits:
    """The most that an archive may unpack to; the largest of the zoos' hold a tenth of it."""

    unpacked_bytes: int = 20 * 2**30
    members: int = 10_000


def check_archive(archive: Path, limits: Limits = Limits()) -> None:
    """Reads a whole archive without writing anything.

    Raises:
        DetloopError: it is not a whole gzip tar, or holds what `unpack` refuses.
    """
    with _open_tar(archive, limits) as (_, members):
        for _ in members:
            pass


def unpack(archive: Path, folder: Path, limits: Limits = Limits()) -> None:
    """Unpacks an archive of plain files and folders into an empty folder.

    Raises:
        DetloopError: the archive is cut short or damaged, goes over a limit, or holds a name that leaves the folder or
            comes twice, a link, a device or anything else that is neither file nor folder. What was unpacked until
            then stays in the folder.
    """
    with _open_tar(archive, limits) as (tar, members):
        for member in members:
            tar.extract(member, folder, filter="data")


@contextmanager
def _open_tar(archive: Path, limits: Limits) -> Iterator[tuple[tarfile.TarFile, Iterator[tarfile.TarInfo]]]:
    """The open archive, and its members as far as they have passed the checks."""
    try:
        with (
            _BoundedGzip(archive, limits.unpacked_bytes) as stream,
            tarfile.open(fileobj=stream, mode="r:") as tar,
        ):
            yield tar, _checked_members(tar, archive, limits)
            # What follows the tar's end is read too: gzip's checksum of the whole comes last.
            while stream.read(_LONGEST_READ_BYTES):
                pass
    except (gzip.BadGzipFile, tarfile.TarError, zlib.error, EOFError) as error:
        reason = one_line(error).rstrip(".")
        raise DetloopError(f"{archive}: not a whole .tar.gz ({reason}); delete it and fetch it again") from None


def _checked_members(tar: tarfile.TarFile, archive: Path, limits: Limits) -> Iterator[tarfile.TarInfo]:
    seen: set[PurePosixPath] = set()
    for member in tar:
        reason = _objection(member, archive.parent)
        path = PurePosixPath(member.name)
        if path in seen:
            reason = f"{member.name!r} comes twice"
        if len(seen) >= limits.members:
            reason = f"more than {limits.members} files"
        if reason:
            raise DetloopError(f"{archive}: refused, it holds {reason}; fetch it from another place")
        seen.add(path)
        yield member


def _objection(member: tarfile.TarInfo, folder: Path) -> str:
    """Why a member is not unpacked; empty for a plain file or folder below the folder."""
    if member.issym() or member.islnk():
        return f"a link, {member.name!r} to {member.linkname!r}"
    if member.issparse() or not (member.isreg() or member.isdir()):
        return f"{member.name!r}, which is neither file nor folder"
    if member.isdir() and member.name == ".":
        return ""
    try:
        check_inside(folder, member.name)
    except DetloopError:
        return f"{member.name!r}, which leaves its folder"
    return ""


class _BoundedGzip(gzip.GzipFile):
    """A gzip file that is read forwards only, not too much at once, and not beyond a limit.

    This is what keeps a small file that unpacks to terabytes, or a header that claims them, from filling
    disk or memory.
    """

    def __init__(self, path: Path, limit_bytes: int) -> None:
        super().__init__(path, "rb")
        self._path, self._limit_bytes = path, limit_bytes

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _LONGEST_READ_BYTES:
            raise DetloopError(
                f"{self._path}: refused, a header in it claims {size} bytes; fetch it from another place"
            )
        data = super().read(size)
        self._check_position(self.tell())
        return data

    def tell(self) -> int:
        return super().seek(0, io.SEEK_CUR)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET or offset < self.tell():
            raise DetloopError(f"{self._path}: refused, a size in it is negative; fetch it from another place")
        self._check_position(offset)
        return super().seek(offset)

    def _check_position(self, position: int) -> None:
        if position > self._limit_bytes:
            limit = f"{self._limit_bytes / 2**30:.3g} GiB"
            raise DetloopError(f"{self._path}: refused, it unpacks to more than {limit}; fetch it from another place")
