"""Where images are found, and how their bytes become pixels."""

import io
import os
import re
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from detloop.errors import DetloopError, ImageError
from detloop.images import ImageHeader, decode_image, decode_rgb, open_source, read_header
from tests.drawn import draw_image

NOISE = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP")


def names(uri: object) -> list[str]:
    return list(open_source(str(uri)).names())


def touch(folder: Path, *files: str) -> None:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def test_a_folder_gives_all_images_below_it_in_code_point_order(tmp_path: Path) -> None:
    images = [
        "b.jpg",
        "a.JPEG",
        "a/z.png",
        "a/b/c.gif",
        "a.b/c.bmp",
        "B.tif",
        "10.webp",
        "9.tiff",
        "é.jpg",
        "a b,c.jpg",
    ]
    touch(tmp_path, *images, "notes.txt", "a/labels.csv", ".hidden.jpg", ".cache/x.jpg", "jpg", "empty/readme.md")
    assert names(tmp_path) == sorted(images)


def test_a_folder_reached_by_a_link_is_looked_into(tmp_path: Path) -> None:
    touch(tmp_path, "elsewhere/a.jpg")
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "linked").symlink_to(tmp_path / "elsewhere")
    assert names(tmp_path / "images") == ["linked/a.jpg"]


def test_folders_that_link_to_each_other_end(tmp_path: Path) -> None:
    touch(tmp_path, "images/a.jpg")
    (tmp_path / "images" / "again").symlink_to(tmp_path / "images")
    assert names(tmp_path / "images") == ["a.jpg"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.jpg", ["1.jpg", "2.jpg"]),
        ("**/*.jpg", ["1.jpg", "2.jpg", "deep/er/3.jpg"]),
        ("[12].*", ["1.jpg", "2.jpg"]),
        ("deep/*/3.*", ["er/3.jpg", "er/3.png"]),
    ],
)
def test_a_pattern_gives_names_below_its_plain_part(tmp_path: Path, pattern: str, expected: list[str]) -> None:
    touch(tmp_path, "1.jpg", "2.jpg", "1.txt", "deep/er/3.jpg", "deep/er/3.png")
    source = open_source(f"{tmp_path}/{pattern}")
    assert list(source.names()) == expected
    assert all(source.store.exists(name) for name in source.names())


def test_a_pattern_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "1.jpg", "2.png")
    monkeypatch.chdir(tmp_path)
    assert names("*.jpg") == ["1.jpg"]


def test_a_folder_whose_name_looks_like_a_pattern_is_a_folder(tmp_path: Path) -> None:
    touch(tmp_path, "film [1]/a.jpg")
    assert names(tmp_path / "film [1]") == ["a.jpg"]


def test_a_manifest_names_images_beside_it(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "deep/b.jpg", "not_named.jpg")
    (tmp_path / "list.txt").write_text("deep/b.jpg\n\n  a.jpg\ndeep/b.jpg\n")
    assert names(tmp_path / "list.txt") == ["a.jpg", "deep/b.jpg"]


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("../a.jpg\n", "leaves the folder"),
        ("/etc/passwd\n", "leaves the folder"),
        ("\n", "no image there"),
        (b"\xff\xfe\x00", "leaves the folder"),
    ],
)
def test_a_bad_manifest_is_an_error(tmp_path: Path, manifest: str | bytes, message: str) -> None:
    data = manifest if isinstance(manifest, bytes) else manifest.encode()
    (tmp_path / "list.txt").write_bytes(data)
    with pytest.raises(DetloopError, match=message):
        open_source(str(tmp_path / "list.txt"))


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("empty", "no image there (looked for .bmp, .gif, .jpeg"),
        ("none", "no such image folder"),
        ("empty/*.jpg", "no image there"),
        ("none/*.jpg", "no image there"),
        ("one.jpg", "give a folder, a glob pattern or a .txt manifest"),
    ],
)
def test_a_source_without_images_is_an_error(tmp_path: Path, uri: str, message: str) -> None:
    touch(tmp_path, "empty/notes.md", "one.jpg")
    with pytest.raises(DetloopError, match=re.escape(message)):
        open_source(f"{tmp_path}/{uri}")


def test_bytes_that_cannot_be_had_have_a_reason(tmp_path: Path) -> None:
    draw_image(tmp_path / "good.png")
    touch(tmp_path, "empty.jpg")
    source = open_source(str(tmp_path))
    assert source.read_bytes("good.png") == (tmp_path / "good.png").read_bytes()
    for name, reason in (("empty.jpg", "the file is empty (0 bytes)"), ("gone.jpg", "No such file or directory")):
        with pytest.raises(ImageError, match=re.escape(reason)):
            source.read_bytes(name)
    with pytest.raises(DetloopError, match="leaves the folder"):
        source.read_bytes("../good.png")


@pytest.mark.parametrize("kind", FORMATS)
def test_the_header_tells_size_and_format(kind: str) -> None:
    assert read_header(encoded(Image.fromarray(NOISE), kind)) == ImageHeader(30, 20, kind)


def test_the_header_needs_the_first_bytes_alone() -> None:
    data = encoded(Image.fromarray(NOISE).resize((300, 200)), "JPEG")
    assert read_header(data[:1000]) == ImageHeader(300, 200, "JPEG")


def test_pixels_are_those_that_pil_decodes() -> None:
    data = encoded(Image.fromarray(NOISE), "JPEG")
    np.testing.assert_array_equal(decode_rgb(data), np.asarray(Image.open(io.BytesIO(data))))


def palette(image: Image.Image) -> Image.Image:
    return image.quantize(16)


def with_alpha(image: Image.Image) -> Image.Image:
    image = image.copy()
    image.putalpha(7)
    return image


@pytest.mark.parametrize(
    ("change", "kind", "expected"),
    [
        (lambda image: image, "PNG", lambda image: image),
        (with_alpha, "PNG", lambda image: image),
        (lambda image: image.convert("L"), "PNG", lambda image: image.convert("L").convert("RGB")),
        (lambda image: with_alpha(image.convert("L")), "PNG", lambda image: image.convert("L").convert("RGB")),
        (lambda image: image.convert("1"), "PNG", lambda image: image.convert("1").convert("RGB")),
        (palette, "PNG", lambda image: palette(image).convert("RGB")),
        (palette, "GIF", lambda image: palette(image).convert("RGB")),
        (lambda image: image.convert("CMYK"), "TIFF", lambda image: image.convert("CMYK").convert("RGB")),
    ],
)
def test_every_mode_becomes_rgb(
    change: Callable[[Image.Image], Image.Image], kind: str, expected: Callable[[Image.Image], Image.Image]
) -> None:
    image = Image.fromarray(NOISE)
    pixels = decode_rgb(encoded(change(image), kind))
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, np.asarray(expected(image)))


@pytest.mark.parametrize(("kind", "dtype"), [("PNG", np.uint16), ("TIFF", np.uint16), ("TIFF", np.int32)])
def test_sixteen_bits_are_cut_to_the_upper_eight(kind: str, dtype: type) -> None:
    deep = np.array([[0, 255, 256], [511, 40000, 65535]]).astype(dtype)
    pixels = decode_rgb(encoded(Image.fromarray(deep), kind))
    np.testing.assert_array_equal(pixels, np.repeat((deep >> 8).astype(np.uint8)[:, :, None], 3, axis=2))


def test_a_turned_image_is_left_as_stored() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(Image.fromarray(NOISE), "JPEG", exif=exif)
    assert read_header(data) == ImageHeader(30, 20, "JPEG")
    assert decode_rgb(data).shape == (20, 30, 3)


@pytest.mark.parametrize(
    ("kind", "at_least_px", "expected"),
    [
        ("JPEG", None, (300, 400)),
        ("JPEG", 400, (300, 400)),
        ("JPEG", 201, (300, 400)),
        ("JPEG", 200, (150, 200)),
        ("JPEG", 60, (75, 100)),
        ("JPEG", 1, (38, 50)),
        ("PNG", 60, (300, 400)),
    ],
)
def test_a_jpeg_may_be_decoded_smaller(kind: str, at_least_px: int | None, expected: tuple[int, int]) -> None:
    image = Image.linear_gradient("L").resize((400, 300)).convert("RGB")
    pixels = np.asarray(decode_image(encoded(image, kind), at_least_px))
    assert pixels.shape == (*expected, 3)
    small = np.asarray(image.resize(expected[::-1], Image.Resampling.BOX)).astype(int)
    assert np.abs(pixels - small).max() < 12


def png_of(width: int, height: int) -> bytes:
    """The first bytes of a PNG, up to where its pixels would begin."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return start + struct.pack(">I", 1000) + b"IDAT"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"milk, bread\n" * 100, "is not an image (no known image format)"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "is not an image"),
        (encoded(Image.fromarray(NOISE), "JPEG")[:-100], "cannot be decoded: image file is truncated"),
        (encoded(Image.fromarray(NOISE), "PNG")[:1000], "cannot be decoded: image file is truncated"),
        (encoded(Image.new("F", (3, 3)), "TIFF"), "has floating-point pixels; convert it"),
        (png_of(16000, 16000), "has more than 178956970 pixels"),
    ],
)
def test_what_cannot_be_decoded_has_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(ImageError) as caught:
        decode_rgb(data)
    assert str(caught.value).startswith(reason)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_damage_anywhere_is_a_reason_or_still_pixels(data: st.DataObject) -> None:
    damaged = bytearray(encoded(Image.fromarray(NOISE), data.draw(st.sampled_from(FORMATS))))
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ImageError):
        assert decode_rgb(bytes(damaged)).ndim == 3


def test_decoding_is_silent(tmp_path: Path) -> None:
    palette = Image.fromarray(NOISE).quantize(16)
    exif = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12"
    (tmp_path / "damaged_exif.tif").write_bytes(encoded(Image.fromarray(NOISE), "JPEG", exif=exif))
    (tmp_path / "palette.png").write_bytes(encoded(palette, "PNG", transparency=bytes(range(16))))
    (tmp_path / "large.png").write_bytes(png_of(10000, 10000))
    script = (
        "import sys; from detloop.images import *; s = open_source(sys.argv[1])\n"
        "for name in s.names(): data = s.read_bytes(name); print(read_header(data))\n"
        "decode_rgb(s.read_bytes('palette.png')); decode_rgb(s.read_bytes('damaged_exif.tif'))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.count("ImageHeader") == 3
    assert done.stderr == ""


def test_a_file_that_may_not_be_read_has_a_reason(tmp_path: Path) -> None:
    (tmp_path / "folder.jpg").mkdir()
    draw_image(tmp_path / "a.png")
    with pytest.raises(ImageError, match=os.strerror(21)):
        open_source(str(tmp_path)).read_bytes("folder.jpg")


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_manifest_and_a_pattern_may_be_absolute(tmp_path: Path, scheme: str) -> None:
    touch(tmp_path, "a.jpg")
    (tmp_path / "list.txt").write_text("a.jpg\n")
    for name in ("list.txt", "*.jpg"):
        source = open_source(f"{scheme}{tmp_path}/{name}")
        assert (source.root, list(source.names())) == (str(tmp_path), ["a.jpg"])
