"""Archives as the zoos have them, and as an enemy would pack them."""

import io
import tarfile
from pathlib import Path

TF2_NAME = "ssd_mobilenet_v2_320x320_coco17_tpu-8"
TF2_PATH = f"tf2/20200711/{TF2_NAME}.tar.gz"
TF1_NAME = "ssd_mobilenet_v2_coco"
TF1_ARCHIVE_NAME = "ssd_mobilenet_v2_coco_2018_03_29.tar.gz"
TF2_FILES = {
    "saved_model/saved_model.pb": b"a graph",
    "saved_model/variables/variables.index": b"weights",
    "checkpoint/ckpt-0.index": b"index",
    "checkpoint/ckpt-0.data-00000-of-00001": b"x" * 3000,
    "pipeline.config": b"model {}",
}
TF1_FILES = {
    "frozen_inference_graph.pb": b"a graph",
    "model.ckpt.index": b"index",
    "pipeline.config": b"model {}",
}


def member(name: str, kind: bytes = tarfile.REGTYPE, linkname: str = "", size_bytes: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, linkname, size_bytes
    return info


def pack(path: Path, files: dict[str, bytes], folder: str = "", others: tuple[tarfile.TarInfo, ...] = ()) -> Path:
    """Writes a .tar.gz of these files below `folder`, and then of these other members, which hold zeros."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            tar.addfile(member(f"{folder}/{name}" if folder else name, size_bytes=len(content)), io.BytesIO(content))
        for info in others:
            tar.addfile(info, io.BytesIO(bytes(info.size)))
    return path


def pack_tf2(mirror: Path) -> Path:
    return pack(mirror / TF2_PATH, TF2_FILES, TF2_NAME)


def files_in(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
