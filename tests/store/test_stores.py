"""The one interface, over a local folder, a bucket of MinIO by both its schemes, and one of the GCS emulator."""

import subprocess
import sys
from pathlib import Path

import pytest

from detloop.errors import DetloopError
from detloop.images import open_source
from detloop.store import Entry, ObjectError, open_store

ODD_NAMES = ["10.jpg", "9.jpg", "B.jpg", "a b,c.jpg", "a.b/c.jpg", "a/b/c.jpg", "a/z.jpg", "b#1?%25+&=.jpg", "é/ü.jpg"]
THROUGH = ["local", "minio", "s3", "gs"]


@pytest.fixture(params=THROUGH)
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty folder in each kind of store."""
    if request.param == "local":
        return str(tmp_path / "folder")
    if request.param == "gs":
        return str(request.getfixturevalue("gcs_bucket"))
    return str(request.getfixturevalue("minio_bucket")).replace("minio://", f"{request.param}://")


def test_what_is_written_is_listed_in_code_point_order_and_read(root: str) -> None:
    store = open_store(root)
    for name in reversed(ODD_NAMES):
        store.write_bytes(name, name.encode())
    open_store(f"{root}-beside").write_bytes("other.jpg", b"other")
    assert list(store.names()) == sorted(ODD_NAMES)
    assert [(entry.name, entry.size_bytes) for entry in store.list()] == [
        (name, len(name.encode())) for name in sorted(ODD_NAMES)
    ]
    assert [store.read_bytes(name) for name in ODD_NAMES] == [name.encode() for name in ODD_NAMES]
    assert [entry.name for entry in store.list("a")] == ["a b,c.jpg", "a.b/c.jpg", "a/b/c.jpg", "a/z.jpg"]
    assert list(open_store(f"{root}/a").names()) == ["b/c.jpg", "z.jpg"]


def test_a_file_is_there_or_not(root: str) -> None:
    store = open_store(root)
    store.write_bytes("folder/a.jpg", b"a")
    found = {name: store.exists(name) for name in ("folder/a.jpg", "folder", "folder/a", "b.jpg")}
    assert found == {"folder/a.jpg": True, "folder": False, "folder/a": False, "b.jpg": False}


def test_entries_of_names_tell_which_are_missing_and_what_has_changed(root: str) -> None:
    store = open_store(root)
    for name in ("a", "b", "d"):
        store.write_bytes(name, b"old")
    before = list(store.entries(iter(["a", "b", "c", "e"])))
    assert [entry.size_bytes for entry in before] == [3, 3, 0, 0]
    assert before[2:] == [Entry("c", 0, ""), Entry("e", 0, "")]
    store.write_bytes("b", b"new")
    after = list(store.entries(iter(["a", "b", "c", "e"])))
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True, True]


def test_a_checksum_is_of_the_content(root: str) -> None:
    store = open_store(root)
    for name, data in (("one", b"same"), ("two", b"same"), ("three", b"other")):
        store.write_bytes(name, data)
    assert store.checksum("one") == store.checksum("two") != store.checksum("three")
    with pytest.raises(ObjectError, match="no such"):
        store.checksum("none")


def test_a_file_is_copied_in_and_out_piece_by_piece(root: str, tmp_path: Path) -> None:
    source = tmp_path / "model.bin"
    source.write_bytes(bytes(range(256)) * 80_000)
    store = open_store(root)
    store.write_file("models/model.bin", source)
    store.fetch("models/model.bin", tmp_path / "fetched.bin")
    assert (tmp_path / "fetched.bin").read_bytes() == source.read_bytes()


def test_writing_replaces_what_was_there(root: str) -> None:
    store = open_store(root)
    for data in (b"a longer text", b""):
        store.write_bytes("a", data)
    assert store.read_bytes("a") == b""


def test_what_is_missing_says_so_of_itself_alone(root: str, tmp_path: Path) -> None:
    store = open_store(root)
    store.write_bytes("a", b"a")
    with pytest.raises(ObjectError, match=r"none\.jpg"):
        store.read_bytes("none.jpg")
    with pytest.raises(ObjectError, match="no such"):
        store.fetch("none.jpg", tmp_path / "fetched.jpg")
    assert not (tmp_path / "fetched.jpg").exists()


@pytest.mark.parametrize("name", ["../a", "/a", "a/../../b", "", "a\\b"])
def test_no_name_leaves_the_root(root: str, tmp_path: Path, name: str) -> None:
    store = open_store(root)
    store.write_bytes("a", b"a")
    for use in (store.read_bytes, store.exists, store.checksum):
        with pytest.raises(DetloopError, match="leaves the folder"):
            use(name)
    with pytest.raises(DetloopError, match="leaves the folder"):
        store.write_bytes(name, b"x")
    with pytest.raises(DetloopError, match="leaves the folder"):
        store.fetch(name, tmp_path / "fetched")


def test_images_are_found_by_folder_pattern_and_manifest(root: str) -> None:
    store = open_store(root)
    images = ["1.jpg", "2.PNG", "deep/er/3.jpg", "deep/er/4.png"]
    for name in [*images, "notes.txt", "labels.csv", ".hidden.jpg", ".cache/5.jpg"]:
        store.write_bytes(name, name.encode())
    store.write_bytes("list.txt", b"deep/er/3.jpg\n\n1.jpg\n")
    found = {
        uri: list(open_source(f"{root}{uri}").names())
        for uri in ("", "/", "/*.jpg", "/**/*.jpg", "/d*/er/[34].*", "/deep/**/?.png", "/list.txt")
    }
    assert found == {
        "": images,
        "/": images,
        "/*.jpg": ["1.jpg"],
        "/**/*.jpg": ["1.jpg", "deep/er/3.jpg"],
        "/d*/er/[34].*": ["deep/er/3.jpg", "deep/er/4.png"],
        "/deep/**/?.png": ["er/4.png"],
        "/list.txt": ["1.jpg", "deep/er/3.jpg"],
    }


@pytest.mark.parametrize("uri", ["/none", "/none/*.jpg", "/a.jpg", "/none.txt"])
def test_a_source_without_images_is_an_error(root: str, uri: str) -> None:
    open_store(root).write_bytes("a.jpg", b"a")
    with pytest.raises(DetloopError, match=r"no such image folder|no image there"):
        open_source(f"{root}{uri}")


def test_images_are_read_ahead_in_order_and_what_fails_fails_in_its_turn(root: str) -> None:
    store = open_store(root)
    names = [f"{number:03d}.jpg" for number in range(100)]
    for name in names:
        store.write_bytes(name, b"" if name == "050.jpg" else name.encode())
    source = open_source(root)
    asked = [*names[:70], "missing.jpg", *names[70:]]
    read: list[bytes | str] = []
    for _, read_bytes in source.read_ahead(asked, lambda name: name):
        try:
            read.append(read_bytes())
        except DetloopError as error:
            read.append(str(error))
    expected: list[bytes | str] = [name.encode() for name in names]
    expected[50] = "the file is empty (0 bytes)"
    assert read[:70] + read[71:] == expected
    assert str(read[70]).startswith("cannot be read: ")


def test_a_source_tells_itself_from_others_and_from_itself_after_a_change(root: str) -> None:
    store = open_store(root)
    for name in ("a.jpg", "b.jpg"):
        store.write_bytes(name, b"old")
    before = list(open_source(root).states())
    assert list(open_source(root).states()) == before
    store.write_bytes("notes.txt", b"not an image")
    assert list(open_source(root).states()) == before
    store.write_bytes("b.jpg", b"new")
    assert list(open_source(root).states())[:2] == before[:2]
    assert list(open_source(root).states())[2] != before[2]


def test_the_sdks_are_imported_when_a_bucket_is_opened_and_not_before() -> None:
    code = (
        "import sys, detloop.store, detloop.images\n"
        "detloop.images.open_source, detloop.store.open_store('folder')\n"
        "print(sorted({'minio', 'urllib3', 'google.cloud.storage'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
