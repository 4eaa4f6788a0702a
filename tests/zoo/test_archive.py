"""Zoo archives: unpacked whole, or refused without a trace outside their folder."""

import gzip
import tarfile
from pathlib import Path

import pytest

from detloop.errors import DetloopError
from detloop.zoo.archive import Limits, check_archive, unpack
from tests.zoo.archives import TF2_FILES, files_in, member, pack

NO_LIMITS = Limits()


def unpack_to(tmp_path: Path, archive: Path, limits: Limits = NO_LIMITS) -> Path:
    folder = tmp_path / "parent" / "folder"
    folder.mkdir(parents=True)
    unpack(archive, folder, limits)
    return folder


def test_files_and_folders_are_unpacked_as_they_are(tmp_path):
    others = (member(".", tarfile.DIRTYPE), member("./model/empty/", tarfile.DIRTYPE))
    archive = pack(tmp_path / "a.tar.gz", TF2_FILES, "./model", others)
    check_archive(archive)
    folder = unpack_to(tmp_path, archive)
    assert files_in(folder / "model") == TF2_FILES
    assert (folder / "model" / "empty").is_dir()


@pytest.mark.parametrize(
    ("enemy", "reason"),
    [
        (member("../outside"), "leaves its folder"),
        (member("model/../../outside"), "leaves its folder"),
        (member("/tmp/outside"), "leaves its folder"),  # noqa: S108
        (member("..\\outside"), "leaves its folder"),
        (member("link", tarfile.SYMTYPE, "/etc/passwd"), "a link, 'link' to '/etc/passwd'"),
        (member("link", tarfile.SYMTYPE, "model/x"), "a link"),
        (member("link", tarfile.LNKTYPE, "model/x"), "a link"),
        (member("null", tarfile.CHRTYPE), "neither file nor folder"),
        (member("disk", tarfile.BLKTYPE), "neither file nor folder"),
        (member("pipe", tarfile.FIFOTYPE), "neither file nor folder"),
        (member("holes", tarfile.GNUTYPE_SPARSE), "neither file nor folder"),
        (member("model/./x"), "comes twice"),
    ],
    ids=lambda value: f"{value.type.decode()} {value.name}" if isinstance(value, tarfile.TarInfo) else "",
)
def test_a_member_that_could_do_harm_is_refused(tmp_path, enemy, reason):
    archive = pack(tmp_path / "a.tar.gz", {"model/x": b"first"}, others=(enemy, member("model/after")))
    for read in (check_archive, lambda path: unpack_to(tmp_path, path)):
        with pytest.raises(DetloopError, match=r"a\.tar\.gz: refused, it holds") as caught:
            read(archive)
        assert reason in str(caught.value)
    assert files_in(tmp_path / "parent") == {"folder/model/x": b"first"}
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))
    assert not (tmp_path / "outside").exists()


def test_a_bomb_goes_off_at_the_limit(tmp_path):
    archive = pack(tmp_path / "a.tar.gz", {"x": b"first"}, others=(member("zeros", size_bytes=50_000_000),))
    assert archive.stat().st_size < 100_000
    with pytest.raises(DetloopError, match=r"refused, it unpacks to more than 0\.00977 GiB"):
        unpack_to(tmp_path, archive, Limits(unpacked_bytes=10 * 2**20))
    assert sum(map(len, files_in(tmp_path / "parent").values())) < 11 * 2**20


def test_a_bomb_behind_the_end_of_the_tar_is_found(tmp_path):
    archive = pack(tmp_path / "a.tar.gz", {"x": b"first"})
    archive.write_bytes(archive.read_bytes() + gzip.compress(bytes(50_000_000)))
    with pytest.raises(DetloopError, match="unpacks to more than"):
        check_archive(archive, Limits(unpacked_bytes=10 * 2**20))


def test_a_header_that_claims_gigabytes_is_not_read_into_memory(tmp_path):
    header = member("name", tarfile.GNUTYPE_LONGNAME, size_bytes=2**33).tobuf(tarfile.GNU_FORMAT)
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(gzip.compress(header + bytes(5_000_000)))
    with pytest.raises(DetloopError, match="a header in it claims 8589934592 bytes"):
        check_archive(archive)


def test_a_negative_size_is_refused(tmp_path):
    header = bytearray(member("name").tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 10 + b"\xf0\x00"
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + sum(header[156:512]) + 8 * ord(" "))
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(gzip.compress(bytes(header) + bytes(10240)))
    with pytest.raises(DetloopError, match=r"a\.tar\.gz: "):
        check_archive(archive)


def test_too_many_files_are_refused(tmp_path):
    archive = pack(tmp_path / "a.tar.gz", {f"{number}": b"" for number in range(6)})
    with pytest.raises(DetloopError, match="more than 5 files"):
        check_archive(archive, Limits(members=5))
    check_archive(archive, Limits(members=6))


@pytest.mark.parametrize("kept", [0, 5, 200, -1, -9])
def test_a_truncated_archive_is_not_taken_for_whole(tmp_path, kept):
    archive = pack(tmp_path / "a.tar.gz", {"x": bytes(range(256)) * 50})
    archive.write_bytes(archive.read_bytes()[:kept])
    with pytest.raises(DetloopError, match=r"a\.tar\.gz: not a whole \.tar\.gz"):
        check_archive(archive)


def test_a_flipped_bit_is_found(tmp_path):
    archive = tmp_path / "a.tar.gz"
    pack(archive, {"x": bytes(range(256)) * 50})
    tar = bytearray(gzip.decompress(archive.read_bytes()))
    good = gzip.compress(bytes(tar))
    tar[700] ^= 1
    archive.write_bytes(gzip.compress(bytes(tar))[:-8] + good[-8:])
    with pytest.raises(DetloopError, match="CRC check failed"):
        check_archive(archive)


@pytest.mark.parametrize("content", [b"<!DOCTYPE html>", gzip.compress(b"no tar at all" * 100), gzip.compress(b"")])
def test_what_is_no_archive_is_said(tmp_path, content):
    (tmp_path / "a.tar.gz").write_bytes(content)
    with pytest.raises(DetloopError, match=r"not a whole \.tar\.gz") as caught:
        check_archive(tmp_path / "a.tar.gz")
    assert "\n" not in str(caught.value)
