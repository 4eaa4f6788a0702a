"""What makes a run's inputs others, so that cached steps run again, and what does not."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from detloop.cluster.fingerprint import files_fingerprint, images_fingerprint
from detloop.store import open_store
from tests.drawn import draw_image


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """A folder with images, a model's folder, a label map and a checkpoint's files."""
    for name in ("a.png", "sub/b.png"):
        draw_image(tmp_path / "images" / name)
    (tmp_path / "model/variables").mkdir(parents=True)
    (tmp_path / "model/variables/weights").write_bytes(b"12345")
    (tmp_path / "label_map.pbtxt").write_text("item { id: 1 name: 'x' }")
    (tmp_path / "model.ckpt-7.index").write_bytes(b"index")
    return tmp_path


def both_fingerprints(folder: Path) -> tuple[str, str]:
    images = images_fingerprint(str(folder / "images"), str(folder / "model"), str(folder / "label_map.pbtxt"))
    return images, files_fingerprint(str(folder / "model.ckpt-7"), "")


def rewrite(path: Path, content: bytes) -> None:
    """Writes a file with the time of change it had."""
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.write_bytes(content)
    os.utime(path, ns=times)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: draw_image(folder / "images/c.png"),
        lambda folder: (folder / "images/a.png").unlink(),
        lambda folder: (folder / "images/a.png").rename(folder / "images/z.png"),
        lambda folder: os.utime(folder / "images/a.png", ns=(1, 1)),
        lambda folder: rewrite(folder / "model/variables/weights", b"12346"),
        lambda folder: rewrite(folder / "label_map.pbtxt", b"item { id: 1 name: 'y' }"),
        lambda folder: shutil.rmtree(folder / "model"),
    ],
    ids=["image added", "image removed", "image renamed", "image touched", "weights", "label map", "model gone"],
)
def test_a_change_to_what_detection_reads_is_seen(inputs: Path, change: Callable[[Path], object]) -> None:
    before = both_fingerprints(inputs)
    change(inputs)
    after = both_fingerprints(inputs)
    assert after[0] != before[0]
    assert after[1] == before[1]


def test_a_checkpoint_is_known_by_its_files(inputs: Path) -> None:
    before = both_fingerprints(inputs)
    rewrite(inputs / "model.ckpt-7.index", b"INDEX")
    after = both_fingerprints(inputs)
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_what_steps_do_not_read_changes_nothing(inputs: Path) -> None:
    before = both_fingerprints(inputs)
    (inputs / "images/notes.txt").write_text("not an image")
    os.utime(inputs / "label_map.pbtxt", ns=(1, 1))
    (inputs / "other.ckpt-8.index").touch()
    assert both_fingerprints(inputs) == before


def test_what_lies_in_a_bucket_is_known_by_its_content(inputs: Path, minio_bucket: str) -> None:
    store = open_store(minio_bucket)
    for path in inputs.rglob("*"):
        if path.is_file():
            store.write_file(str(path.relative_to(inputs)), path)

    def fingerprints() -> tuple[str, str]:
        names = ("images", "model", "label_map.pbtxt")
        images = images_fingerprint(*(f"{minio_bucket}/{name}" for name in names))
        return images, files_fingerprint(f"{minio_bucket}/model.ckpt-7", "")

    before = fingerprints()
    store.write_file("images/a.png", inputs / "images/a.png")
    assert fingerprints() == before
    store.write_file("images/a.png", inputs / "images/sub/b.png")
    store.write_bytes("images/c.png", b"new")
    with_other_images = fingerprints()
    assert (with_other_images[0] != before[0], with_other_images[1]) == (True, before[1])
    store.write_bytes("model/variables/weights", b"12346")
    store.write_bytes("model.ckpt-7.index", b"other")
    with_other_models = fingerprints()
    assert with_other_models[0] != with_other_images[0]
    assert with_other_models[1] != with_other_images[1]
