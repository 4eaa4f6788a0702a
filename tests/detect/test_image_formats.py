"""Images of every format and mode; and files that are no images, of which one stops no run."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detloop.detect import detect_images
from detloop.detections import read_detections, read_image_rows
from detloop.errors import DetloopError
from tests.drawn import RED, draw_image

BOX_PX = (20, 10, 50, 40)
SIZE_WH = (96, 64)
EXIF_ORIENTATION, TURNED_BY_90_DEGREES = 0x0112, 6


def picture(mode: str = "RGB") -> Image.Image:
    """A red box on a dark ground in one of PIL's modes."""
    pixels = np.full((SIZE_WH[1], SIZE_WH[0], 3), 16, np.uint8)
    xmin, ymin, xmax, ymax = BOX_PX
    pixels[ymin:ymax, xmin:xmax] = RED
    return Image.fromarray(pixels).convert(mode)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def turned_jpeg() -> bytes:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = TURNED_BY_90_DEGREES
    return encoded(picture(), "JPEG", exif=exif, quality=95, subsampling=0)


def animation() -> bytes:
    return encoded(picture(), "GIF", save_all=True, append_images=[Image.new("RGB", SIZE_WH)])


def see_through() -> bytes:
    image = picture("RGBA")
    image.putalpha(40)
    return encoded(image, "PNG")


IN_COLOR: dict[str, Callable[[], bytes]] = {
    "plain.png": lambda: encoded(picture(), "PNG"),
    "plain.JPG": lambda: encoded(picture(), "JPEG", quality=95, subsampling=0),
    "progressive.jpeg": lambda: encoded(picture(), "JPEG", quality=95, subsampling=0, progressive=True),
    "cmyk.jpg": lambda: encoded(picture("CMYK"), "JPEG", quality=95, subsampling=0),
    "turned.jpg": turned_jpeg,
    "palette.png": lambda: encoded(picture("P"), "PNG"),
    "alpha.png": see_through,
    "animated.gif": animation,
    "bitmap.bmp": lambda: encoded(picture(), "BMP"),
    "web.webp": lambda: encoded(picture(), "WEBP", lossless=True),
    "scan.tiff": lambda: encoded(picture(), "TIFF"),
    "png_named.jpg": lambda: encoded(picture(), "PNG"),
}
GREY: dict[str, Callable[[], bytes]] = {
    "grey.jpg": lambda: encoded(picture("L"), "JPEG"),
    "grey.png": lambda: encoded(picture("L"), "PNG"),
    "black_and_white.png": lambda: encoded(picture("1"), "PNG"),
    "deep.png": lambda: encoded(Image.fromarray(np.full(SIZE_WH[::-1], 40000, np.uint16)), "PNG"),
}
UNREADABLE: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty.jpg": (lambda: b"", "the file is empty (0 bytes)"),
    "text.jpg": (lambda: b"a shopping list\n" * 20, "is not an image (no known image format)"),
    "cut.jpg": (lambda: encoded(noise(), "JPEG")[:3000], "cannot be decoded: image file is truncated"),
    "cut.png": (lambda: encoded(noise(), "PNG")[:3000], "cannot be decoded: image file is truncated"),
    "damaged.png": (lambda: damaged(encoded(noise(), "PNG")), "cannot be decoded: broken data stream"),
    "float.tif": (lambda: encoded(picture("F"), "TIFF"), "has floating-point pixels"),
}


def noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8))


def damaged(data: bytes) -> bytes:
    return data[:1000] + bytes(200) + data[1200:]


@pytest.fixture
def detect(tmp_path: Path, frozen_graph: Path, color_label_map: Path) -> Callable[..., str]:
    def run(**options: bool) -> str:
        return str(
            detect_images(
                model=str(frozen_graph),
                label_map=str(color_label_map),
                images=str(tmp_path / "images"),
                output=tmp_path / "detections.csv",
                **options,
            )
        )

    return run


def write_files(folder: Path, files: dict[str, Callable[[], bytes]]) -> None:
    folder.mkdir(exist_ok=True)
    for name, make in files.items():
        (folder / name).write_bytes(make())


def test_every_format_and_mode_is_read_as_stored(tmp_path: Path, detect: Callable[..., str]) -> None:
    write_files(tmp_path / "images", IN_COLOR | GREY)
    detect()
    rows = list(read_image_rows(tmp_path / "images.csv"))
    assert [row.filename for row in rows] == sorted(IN_COLOR | GREY)
    assert {(row.width, row.height, row.error) for row in rows} == {(*SIZE_WH, "")}
    found = {image.filename: image for image in read_detections(tmp_path / "detections.csv")}
    assert found.keys() == IN_COLOR.keys()
    for image in found.values():
        assert image.class_names == ["red"]
        np.testing.assert_allclose(image.boxes_px, [BOX_PX], atol=1)


def test_unreadable_images_are_rows_with_their_reason(tmp_path: Path, detect: Callable[..., str]) -> None:
    write_files(tmp_path / "images", {name: make for name, (make, _) in UNREADABLE.items()})
    (tmp_path / "images" / "dangling.png").symlink_to("nowhere.png")
    draw_image(tmp_path / "images" / "good.png", [BOX_PX])
    summary = detect()
    rows = {row.filename: row for row in read_image_rows(tmp_path / "images.csv")}
    for name, (_, reason) in UNREADABLE.items():
        assert reason in rows[name].error
        assert (rows[name].width, rows[name].height, rows[name].detections) == (0, 0, 0)
    assert rows["dangling.png"].error == "cannot be read: No such file or directory"
    assert (rows["good.png"].detections, rows["good.png"].error) == (1, "")
    assert [image.filename for image in read_detections(tmp_path / "detections.csv")] == ["good.png"]
    assert f"could not read {len(UNREADABLE) + 1} images, see images.csv: cut.jpg: cannot be decoded" in summary


def test_a_name_that_no_table_may_hold_is_a_row_too(tmp_path: Path, detect: Callable[..., str]) -> None:
    draw_image(tmp_path / "images" / "back\\slash.png", [BOX_PX])
    draw_image(tmp_path / "images" / "good.png", [BOX_PX])
    detect()
    errors = {row.filename: row.error for row in read_image_rows(tmp_path / "images.csv")}
    assert errors["good.png"] == ""
    assert "file name" in errors["back\\slash.png"]


def test_nothing_readable_still_makes_both_tables(tmp_path: Path, detect: Callable[..., str]) -> None:
    write_files(tmp_path / "images", {"text.jpg": lambda: b"text"})
    assert "found 0 boxes in 1 images" in detect()
    assert (tmp_path / "detections.csv").read_text().count("\n") == 1


@pytest.mark.parametrize("name", UNREADABLE)
def test_strict_makes_an_unreadable_image_an_error(tmp_path: Path, detect: Callable[..., str], name: str) -> None:
    make, reason = UNREADABLE[name]
    draw_image(tmp_path / "images" / "a.png", [BOX_PX])
    write_files(tmp_path / "images", {name: make})
    with pytest.raises(DetloopError) as caught:
        detect(strict=True)
    assert str(caught.value).startswith(f"{tmp_path / 'images' / name}: {reason}")
    assert not (tmp_path / "detections.csv").exists()
    assert not (tmp_path / "images.csv").exists()
