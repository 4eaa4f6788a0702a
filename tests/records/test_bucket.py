"""Records of images in a bucket: the bytes that local images give."""

from pathlib import Path

import pytest

from detloop.errors import DetloopError
from detloop.records import write_records
from detloop.store import open_store
from tests.drawn import draw_image
from tests.tables import row, write_csv

BOX = (10, 8, 50, 40)
NAMES = [f"scene {number // 10}/{number:03d}.jpg" for number in range(60)]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    for name in NAMES:
        draw_image(tmp_path / "images" / name, [BOX])
    return write_csv(tmp_path / "detections.csv", [row(name, BOX) for name in NAMES])


@pytest.fixture
def images(tmp_path: Path, table: Path, minio_bucket: str) -> str:
    store = open_store(minio_bucket)
    for name in NAMES:
        store.write_file(name, tmp_path / "images" / name)
    return minio_bucket


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_records_are_those_of_local_images(tmp_path: Path, table: Path, images: str) -> None:
    for source, output in ((images, "of_bucket"), (str(tmp_path / "images"), "local")):
        write_records(detections=table, images=source, output=tmp_path / output, first=40, shards=3)
    assert files_in(tmp_path / "of_bucket") == files_in(tmp_path / "local")


def test_an_image_that_is_missing_is_left_out_and_counted(tmp_path: Path, table: Path, images: str) -> None:
    with table.open("a") as file:
        file.write("zoo.jpg,96,64,car,0.9,1,1,5,5\n")
    summary = write_records(detections=table, images=images, output=tmp_path / "out", first=40)
    assert "left out 1 unreadable images: zoo.jpg cannot be read: no such object" in str(summary)
    with pytest.raises(DetloopError, match=f"{images}/zoo.jpg: cannot be read: no such object"):
        write_records(detections=table, images=images, output=tmp_path / "strict", first=40, strict=True)


def test_an_output_in_a_bucket_is_refused(tmp_path: Path, table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from detloop.cli import main

    images = str(tmp_path / "images")
    options = ["--detections", str(table), "--images", images, "--output", "s3://bucket/out"]
    assert main(["records", *options], standalone_mode=False) == 1
    message = "detloop: error: s3://bucket/out: must lie on this machine; give a local path or a file:// URI\n"
    assert capsys.readouterr().err == message
