"""Paths and URIs: what they name, and what is refused."""

from pathlib import Path

import pytest

from detloop.errors import DetloopError
from detloop.images import open_source
from detloop.store import existing_file, in_bucket, inside, local_path, open_store
from detloop.store.uri import bucket_location


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("images", "images"),
        ("/data/images", "/data/images"),
        ("file:///data/images", "/data/images"),
        ("file://localhost/data/images", "/data/images"),
        ("file:///data/my%20images", "/data/my images"),
        ("my%20images", "my%20images"),
        ("a:b", "a:b"),
    ],
)
def test_a_path_or_a_file_uri_names_a_local_path(uri: str, path: str) -> None:
    assert local_path(uri) == Path(path)


@pytest.mark.parametrize("uri", ["s3://bucket/images", "gs://bucket/images", "file://elsewhere/images"])
def test_what_lies_elsewhere_has_no_local_path(uri: str) -> None:
    with pytest.raises(DetloopError, match="give a local path or a file:// URI"):
        local_path(uri)


@pytest.mark.parametrize("uri", ["http://host/images", "ftp://host/images", "S3://bucket"])
def test_other_schemes_are_refused(uri: str) -> None:
    for read in (local_path, open_store, open_source):
        with pytest.raises(DetloopError, match="give a local path or one of file://, s3://, minio://, gs://"):
            read(uri)


@pytest.mark.parametrize("scheme", ["s3", "minio", "gs", "file", "https"])
@pytest.mark.parametrize("place", ["key:pa55word@bucket/images", "pa55word@host", "key:pa55word@host?a=b"])
def test_a_uri_with_a_password_is_refused_without_repeating_it(scheme: str, place: str) -> None:
    for read in (local_path, open_store, open_source):
        with pytest.raises(DetloopError, match="must not hold a user name or password") as caught:
            read(f"{scheme}://{place}")
        assert "pa55word" not in str(caught.value)


def test_an_at_sign_in_a_key_is_no_password() -> None:
    assert str(bucket_location("s3://bucket/a@b/c.jpg")) == "s3://bucket/a@b/c.jpg"
    assert in_bucket("s3://bucket/a@b/c.jpg")


@pytest.mark.parametrize(
    ("uri", "bucket", "key"),
    [
        ("s3://images", "images", ""),
        ("gs://images/", "images", ""),
        ("minio://my.bucket/a/b.jpg", "my.bucket", "a/b.jpg"),
        ("s3://bucket/film [1]/100%25 #1?", "bucket", "film [1]/100%25 #1?"),
        ("s3://bucket/folder/", "bucket", "folder"),
    ],
)
def test_a_bucket_and_a_key_are_taken_as_they_are_written(uri: str, bucket: str, key: str) -> None:
    location = bucket_location(uri)
    assert (location.bucket, location.key) == (bucket, key)


@pytest.mark.parametrize("uri", ["s3://", "s3:///images", "s3://host:9000/bucket", "gs://-x-/a", "s3://a b/c"])
def test_a_uri_without_a_bucket_is_refused(uri: str) -> None:
    with pytest.raises(DetloopError, match="is no bucket name; write it as"):
        open_store(uri)


def test_a_file_must_exist_and_be_one(tmp_path: Path) -> None:
    (tmp_path / "map.pbtxt").touch()
    assert existing_file(f"file://{tmp_path}/map.pbtxt", "label map") == tmp_path / "map.pbtxt"
    with pytest.raises(DetloopError, match=r"none\.pbtxt: no such label map"):
        existing_file(str(tmp_path / "none.pbtxt"), "label map")
    with pytest.raises(DetloopError, match="is a folder; give the label map file itself"):
        existing_file(str(tmp_path), "label map")


@pytest.mark.parametrize("name", ["a.jpg", "a/b.jpg", "a b.jpg", 'a,"b".jpg', "ä.jpg", "...jpg", "a..b/c.jpg", "..a"])
def test_a_relative_name_stays_inside(name: str) -> None:
    assert inside(Path("/root"), name) == Path("/root") / name


@pytest.mark.parametrize("name", ["", ".", "./", "..", "../a.jpg", "a/../../b.jpg", "/etc/passwd", "..\\a", "a\0b"])
def test_a_name_that_leaves_is_refused(name: str) -> None:
    with pytest.raises(DetloopError, match="names must be relative and without"):
        inside(Path("/root"), name)
