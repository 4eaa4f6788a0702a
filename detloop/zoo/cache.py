"""Where fetched archives and the models unpacked from them are kept."""

from pathlib import Path

from detloop.errors import DetloopError
from detloop.store import cache_root, sha256_of, write_file_whole
from detloop.zoo.catalog import ZooModel


def cache_folder() -> Path:
    """The zoo's part of the cache."""
    return cache_root() / "zoo"


def archive_path(model: ZooModel) -> Path:
    """Where the model's archive lies, or belongs."""
    return cache_folder() / model.archive_name


def record_sha256(archive: Path, sha256: str) -> None:
    """Writes an archive's SHA-256 beside it, in the form that `sha256sum --check` reads."""
    with write_file_whole(_record_path(archive)) as partial:
        partial.write_text(f"{sha256}  {archive.name}\n", encoding="utf-8")


def verified_sha256(archive: Path) -> str | None:
    """The archive's SHA-256, which is that of its first use; None when none was recorded.

    Raises:
        DetloopError: the file is no longer the one of its first use.
    """
    record = _record_path(archive)
    if not record.exists():
        return None
    recorded, actual = record.read_text(encoding="utf-8").partition(" ")[0], sha256_of(archive)
    if recorded != actual:
        raise DetloopError(
            f"{archive}: changed since it was first used (SHA-256 {actual}, recorded in {record.name}: {recorded});"
            f" delete it to fetch it again, or {record.name} to trust it"
        )
    return actual


def _record_path(archive: Path) -> Path:
    return archive.with_name(archive.name + ".sha256")
