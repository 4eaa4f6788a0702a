"""What a URI names: a local path, or a bucket and a key in it."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from detloop.errors import DetloopError, UnsafeNameError

BUCKET_SCHEMES = ("s3", "minio", "gs")
_BUCKET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,221}")


@dataclass(frozen=True)
class Location:
    """A place in a bucket.

    Attributes:
        scheme: "s3", "minio" or "gs".
        key: as the bucket has it: nothing in it is unquoted; without a slash at either end.
    """

    scheme: str
    bucket: str
    key: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.key}".rstrip("/")

    @property
    def name(self) -> str:
        """The key's last part; empty for the bucket itself."""
        return self.key.rpartition("/")[2]

    @property
    def parent(self) -> "Location":
        """The folder that holds it; the bucket itself for what lies at its top."""
        return Location(self.scheme, self.bucket, self.key.rpartition("/")[0])


def in_bucket(uri: str) -> bool:
    """Whether a URI names something in a bucket, rather than a local path.

    Raises:
        DetloopError: the URI has a scheme that cannot be read, or holds a user name or password, which is not repeated.
    """
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return False
    if "@" in re.split(r"[/?#]", rest, maxsplit=1)[0]:
        raise DetloopError(
            f"{scheme}://...: a URI must not hold a user name or password; give credentials in the environment"
        )
    if scheme in BUCKET_SCHEMES:
        return True
    if scheme != "file":
        known = ", ".join(f"{one}://" for one in ("file", *BUCKET_SCHEMES))
        raise DetloopError(f"{scheme}://...: cannot read this kind of URI; give a local path or one of {known}")
    return False


def bucket_location(uri: str) -> Location:
    """The bucket and key that a s3://, minio:// or gs:// URI names.

    Raises:
        DetloopError: it names no bucket.
    """
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if not _BUCKET_NAME.fullmatch(bucket):
        raise DetloopError(f"{uri}: {bucket!r} is no bucket name; write it as {scheme}://bucket/folder")
    return Location(scheme, bucket, key.strip("/"))


def local_path(uri: str) -> Path:
    """The local path that a plain path or a file:// URI names.

    Raises:
        DetloopError: the URI has another scheme.
    """
    if "://" not in uri:
        return Path(uri)
    parts = urlsplit(uri)
    if not in_bucket(uri) and parts.netloc in ("", "localhost"):
        return Path(unquote(parts.path))
    raise DetloopError(f"{uri}: must lie on this machine; give a local path or a file:// URI")


def check_inside(root: Path | str, name: str) -> None:
    """Makes sure that `name` (relative, with `/`) does not leave `root`, which a name from a table may not.

    Raises:
        UnsafeNameError: the name is empty, absolute or climbs out with `..`.
    """
    parts = name.split("/")
    if name[:1] in ("", "/") or ".." in parts or "\\" in name or "\0" in name or set(parts) <= {"", "."}:
        raise UnsafeNameError(f"file name {name!r} leaves the folder {root}; names must be relative and without '..'")


def inside(root: Path, name: str) -> Path:
    """The path of `name` (relative, with `/`) under `root`; raises UnsafeNameError where `check_inside` does."""
    check_inside(root, name)
    return root / name
