"""Detection with model, label map and images in a bucket: the tables that local files give, whatever happens to it."""

import threading
import time
from pathlib import Path

import pytest

from detloop.detect import DetectSummary, detect_images
from detloop.errors import DetloopError
from detloop.store import open_store
from detloop.store import s3 as detloop_s3
from tests.detect.test_detect import draw_film
from tests.detect.test_interrupted import kept_images, tables
from tests.servers import Server

IMAGES = 120
BATCH_SIZE = 4
AWAY_SECONDS = 1.5


@pytest.fixture
def local(tmp_path: Path, frozen_graph: Path, color_label_map: Path) -> list[bytes]:
    """Images in tmp_path/images, and the tables that local detection makes of them."""
    draw_film(tmp_path / "images", IMAGES, [(96, 64), (64, 96)])
    detect_images(
        model=str(frozen_graph),
        label_map=str(color_label_map),
        images=str(tmp_path / "images"),
        output=tmp_path / "local" / "detections.csv",
        batch_size=BATCH_SIZE,
    )
    return tables(tmp_path / "local")


def upload(root: str, images: Path, frozen_graph: Path, color_label_map: Path) -> None:
    store = open_store(root)
    store.write_file("teacher/frozen_inference_graph.pb", frozen_graph)
    store.write_file("teacher/label_map.pbtxt", color_label_map)
    for path in images.iterdir():
        store.write_file(f"images/{path.name}", path)


def detect(root: str, output: Path, strict: bool = False) -> DetectSummary:
    return detect_images(
        model=f"{root}/teacher",
        label_map=f"{root}/teacher/label_map.pbtxt",
        images=f"{root}/images",
        output=output / "detections.csv",
        batch_size=BATCH_SIZE,
        strict=strict,
    )


def test_the_server_may_be_away_for_a_while(
    tmp_path: Path,
    frozen_graph: Path,
    color_label_map: Path,
    local: list[bytes],
    minio_bucket: str,
    minio_server: Server,
) -> None:
    upload(minio_bucket, tmp_path / "images", frozen_graph, color_label_map)
    killed = []

    def interrupt() -> None:
        while not (tmp_path / "out" / "detections.csv.partial" / "run.json").exists():
            time.sleep(0.001)
        minio_server.kill()
        killed.append(kept_images(tmp_path))
        time.sleep(AWAY_SECONDS)
        minio_server.start()

    interruption = threading.Thread(target=interrupt)
    interruption.start()
    summary = detect(minio_bucket, tmp_path / "out")
    interruption.join()
    assert killed[0] < IMAGES, "the run was over before the server was killed"
    assert (summary.images, summary.unreadable) == (IMAGES, 0)
    assert tables(tmp_path / "out") == local


def test_a_server_that_stays_away_ends_the_run_which_then_goes_on_elsewhere(
    tmp_path: Path,
    frozen_graph: Path,
    color_label_map: Path,
    local: list[bytes],
    minio_bucket: str,
    minio_server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No image is called unreadable for want of a server; another machine, without this one's cache, goes on."""
    upload(minio_bucket, tmp_path / "images", frozen_graph, color_label_map)
    monkeypatch.setattr(detloop_s3, "AT_WORK", detloop_s3.FIRST_CONTACT)

    def end() -> None:
        while not (tmp_path / "out" / "detections.csv.partial" / "run.json").exists():
            time.sleep(0.001)
        minio_server.kill()

    ending = threading.Thread(target=end)
    ending.start()
    with pytest.raises(DetloopError, match="cannot reach"):
        detect(minio_bucket, tmp_path / "out")
    ending.join()
    minio_server.start()
    kept = kept_images(tmp_path)
    assert not (tmp_path / "out" / "detections.csv").exists()
    monkeypatch.setenv("DETLOOP_CACHE", str(tmp_path / "other-cache"))
    summary = detect(minio_bucket, tmp_path / "out")
    assert (summary.images, summary.images_before, summary.unreadable) == (IMAGES, kept, 0)
    assert tables(tmp_path / "out") == local


def test_an_image_that_went_away_is_a_row_with_the_reason(
    tmp_path: Path, frozen_graph: Path, color_label_map: Path, minio_bucket: str
) -> None:
    draw_film(tmp_path / "images", 3)
    upload(minio_bucket, tmp_path / "images", frozen_graph, color_label_map)
    open_store(minio_bucket).write_bytes("images/list.txt", b"0000.png\n0001.png\ngone.png\n")
    summary = detect_images(
        model=f"{minio_bucket}/teacher/frozen_inference_graph.pb",
        label_map=f"{minio_bucket}/teacher/label_map.pbtxt",
        images=f"{minio_bucket}/images/list.txt",
        output=tmp_path / "out" / "detections.csv",
    )
    assert (summary.images, summary.unreadable) == (3, 1)
    assert summary.unreadable_examples == ("gone.png: cannot be read: no such object",)
