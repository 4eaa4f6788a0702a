"""Image listings: written, read back, and compared as streams."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detloop.errors import DetloopError
from detloop.images import open_source
from detloop.listing import ListedImage, list_images, only_listed, read_listing, unseen, write_listing
from tests.drawn import draw_image
from tests.tables import write_csv

COLUMNS = ("uri", "size_bytes", "version")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name in ("b.png", "a, b.png", "sub/c.png"):
        draw_image(tmp_path / "images" / name)
    return tmp_path / "images"


def test_a_listing_names_images_from_the_root_whatever_they_are_called_by(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    listed = [list(list_images(open_source(uri))) for uri in (str(images), "images", "images/**/*.png")]
    assert listed[0] == listed[1] == listed[2]
    assert [image.uri for image in listed[0]] == [f"{images}/{name}" for name in ("a, b.png", "b.png", "sub/c.png")]
    assert all(image.size_bytes == os.stat(image.uri).st_size for image in listed[0])
    assert write_listing(tmp_path / "listing.csv", listed[0]) == 3
    assert list(read_listing(tmp_path / "listing.csv")) == listed[0]


@settings(deadline=None)
@given(
    listed=st.dictionaries(st.sampled_from(["a", "a/b", "ab", "b", "b/c"]), st.integers(0, 2)),
    seen=st.dictionaries(st.sampled_from(["a", "a/b", "ab", "b", "c"]), st.integers(0, 2)),
)
def test_what_is_unseen_is_what_a_look_into_the_whole_says(listed: dict[str, int], seen: dict[str, int]) -> None:
    now, before = ([ListedImage(uri, 1, str(of[uri])) for uri in sorted(of)] for of in (listed, seen))
    assert list(unseen(now, before)) == [image for image in now if image not in before]


def test_a_source_can_be_held_to_a_listing(images: Path, tmp_path: Path) -> None:
    source = open_source(str(images))
    write_listing(tmp_path / "listing.csv", list(list_images(source))[1:])
    assert list(only_listed(source, tmp_path / "listing.csv").names()) == ["b.png", "sub/c.png"]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([("/elsewhere/a.png", 1, "1")], r"lists /elsewhere/a\.png, which is not in"),
        ([("{images}/../a.png", 1, "1")], r"leaves the folder"),
        ([("{images}/b.png", "many", "1")], r"line 2: size_bytes is 'many'"),
        ([("{images}/b.png", 1, "1"), ("{images}/a.png", 1, "1")], r"line 3: .*a\.png does not follow"),
    ],
)
def test_a_listing_that_is_not_of_these_images_is_refused(
    images: Path, tmp_path: Path, rows: list[tuple[str, object, str]], reason: str
) -> None:
    named = [(uri.format(images=images), *rest) for uri, *rest in rows]
    listing = write_csv(tmp_path / "listing.csv", named, COLUMNS)
    with pytest.raises(DetloopError, match=reason):
        list(only_listed(open_source(str(images)), listing).names())
