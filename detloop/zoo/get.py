"""A zoo model's folder: found in the cache, or unpacked from an archive that is fetched where it is not there."""

import json
import sys
from pathlib import Path

from detloop.errors import DetloopError
from detloop.store import remove_folder, sha256_of, write_folder_whole
from detloop.zoo.archive import check_archive, unpack
from detloop.zoo.cache import archive_path, cache_folder, record_sha256, verified_sha256
from detloop.zoo.catalog import ZooModel, find_model
from detloop.zoo.download import fetch

ORIGIN_NAME = "zoo_model.json"
_UNPACKED_NAME = ".unpacked"
_ANY_NAME, _NO_NAME = r".*", r"(?!)"
_PARTS = {
    "frozen_inference_graph.pb": ("frozen_inference_graph.pb",),
    "saved_model": ("saved_model/saved_model.pb", "saved_model/saved_model.pbtxt"),
    "checkpoint": ("*ckpt*.index", "checkpoint/*ckpt*.index"),
    "tflite graph": ("*.tflite", "tflite_graph.pb"),
    "pipeline.config": ("pipeline.config",),
}


def get_model(name: str, output: Path | None = None) -> Path:
    """The folder of a zoo model, which holds its frozen graph, SavedModel, checkpoint and pipeline.config.

    Args:
        name: of the model; `detloop zoo list` shows them.
        output: folder to unpack into, new or empty; default: the model's folder in the cache.

    Raises:
        DetloopError: no such model, its archive can neither be fetched nor trusted, or the folder holds other files.
    """
    model = find_model(name)
    folder = output.absolute() if output else cache_folder() / model.name
    if _is_here(folder, model):
        _say(f"{model.name} already lies there, with {', '.join(_parts_in(folder))}")
        return folder
    archive = archive_path(model)
    if not archive.exists():
        fetch(model, archive)
    sha256 = verified_sha256(archive) or _first_use(archive)
    with write_folder_whole(folder, _NO_NAME if output else _ANY_NAME) as partial:
        _unpack_model(archive, partial)
        origin = {"name": model.name, "archive": model.path, "sha256": sha256}
        (partial / ORIGIN_NAME).write_text(json.dumps(origin, indent=2) + "\n", encoding="utf-8")
    _say(f"{model.name} unpacked from {archive} ({archive.stat().st_size / 1e6:.1f} MB)")
    _say(f"it holds {', '.join(_parts_in(folder))}")
    return folder


def _is_here(folder: Path, model: ZooModel) -> bool:
    """Whether an earlier run unpacked this model into the folder."""
    try:
        origin = json.loads((folder / ORIGIN_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(origin, dict) and origin.get("archive") == model.path and _has_model(folder)


def _first_use(archive: Path) -> str:
    """Checks and records an archive that was put into the cache by hand."""
    check_archive(archive)
    sha256 = sha256_of(archive)
    record_sha256(archive, sha256)
    return sha256


def _unpack_model(archive: Path, folder: Path) -> None:
    """Unpacks the archive's model into the folder, without the folders that the archive wraps it in."""
    unpacked = folder / _UNPACKED_NAME
    unpacked.mkdir()
    unpack(archive, unpacked)
    for path in _model_root(unpacked, archive).iterdir():
        path.rename(folder / path.name)
    remove_folder(unpacked)


def _model_root(folder: Path, archive: Path) -> Path:
    while not _has_model(folder):
        inner = [path for path in folder.iterdir() if path.is_dir()]
        if len(inner) != 1:
            held = ", ".join(sorted(path.name for path in folder.iterdir())[:8]) or "nothing"
            raise DetloopError(f"{archive}: holds no frozen graph, SavedModel or checkpoint; it has {held}")
        folder = inner[0]
    return folder


def _has_model(folder: Path) -> bool:
    return any(part != "pipeline.config" for part in _parts_in(folder))


def _parts_in(folder: Path) -> list[str]:
    """Which forms of the model a folder holds."""
    return [part for part, patterns in _PARTS.items() if any(any(folder.glob(pattern)) for pattern in patterns)]


def _say(text: str) -> None:
    print(f"zoo: {text}", file=sys.stderr, flush=True)
