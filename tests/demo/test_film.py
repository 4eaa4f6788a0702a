"""Where the demo's film comes from, tried with a film of a few bytes and a Debian archive in a folder: no network."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from demo import film
from demo.film import find_film
from detloop.errors import DetloopError

CONTENT = b"RIFF, as far as these tests care"
MEMBER = "usr/share/doc/opencv-doc/examples/data/vtest.avi"
needs_apt = pytest.mark.skipif(
    not (shutil.which("apt-get") and shutil.which("dpkg-deb")), reason="builds a Debian archive"
)


@pytest.fixture(autouse=True)
def short_film(monkeypatch: pytest.MonkeyPatch) -> None:
    """The film asked for is the tests' own, and OpenCV's repository is out of reach."""
    monkeypatch.setattr(film, "FILM_SHA256", hashlib.sha256(CONTENT).hexdigest())
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)


def debian_archive(folder: Path, film_content: bytes) -> Path:
    """An archive that holds opencv-doc with such a film; the apt.conf of a machine whose package lists are empty."""
    tree, archive = folder / "tree", folder / "archive"
    (tree / MEMBER).parent.mkdir(parents=True)
    (tree / MEMBER).write_bytes(film_content)
    (tree / "DEBIAN").mkdir()
    control = "Package: opencv-doc\nVersion: 1.0\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: film\n"
    (tree / "DEBIAN" / "control").write_text(control)
    archive.mkdir()
    package = archive / "opencv-doc_1.0_all.deb"
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", tree, package], check=True, capture_output=True)
    digest, size_bytes = hashlib.sha256(package.read_bytes()).hexdigest(), package.stat().st_size
    listing = f"{control}Filename: ./{package.name}\nSize: {size_bytes}\nSHA256: {digest}\n"
    (archive / "Packages").write_text(listing)
    (folder / "sources.list").write_text(f"deb [trusted=yes] copy:{archive} ./\n")
    (folder / "lists" / "partial").mkdir(parents=True)
    config = folder / "apt.conf"
    config.write_text(
        f'Dir::Etc::SourceList "{folder}/sources.list";\n'
        'Dir::Etc::SourceParts "/dev/null";\n'
        f'Dir::State::Lists "{folder}/lists";\n'
        f'Dir::Cache "{folder}/cache";\n'
    )
    return config


def test_a_path_given_is_used_as_it_is(tmp_path: Path) -> None:
    given = tmp_path / "own copy.avi"
    given.write_bytes(CONTENT)
    assert find_film(given, tmp_path / "cache") == given
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "no such film"), (b"another film", "is not the demo's vtest.avi")]
)
def test_a_path_given_that_is_not_the_film_is_an_error(tmp_path: Path, content: bytes | None, reason: str) -> None:
    given = tmp_path / "given.avi"
    if content is not None:
        given.write_bytes(content)
    with pytest.raises(DetloopError, match=reason) as caught:
        find_film(given, tmp_path / "cache")
    assert str(given) in str(caught.value)


@needs_apt
def test_the_package_gives_the_film_without_root_or_package_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APT_CONFIG", str(debian_archive(tmp_path / "debian", CONTENT)))
    found = find_film(None, tmp_path / "cache")
    assert found == tmp_path / "cache" / "vtest.avi"
    assert found.read_bytes() == CONTENT
    assert not any((tmp_path / "debian" / "lists").glob("*Packages*")), "the machine's own lists were written"


@needs_apt
def test_a_film_of_another_content_is_refused_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APT_CONFIG", str(debian_archive(tmp_path / "debian", b"another film")))
    with pytest.raises(DetloopError, match=r"opencv-doc: its vtest\.avi is another film"):
        find_film(None, tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_the_cached_film_needs_no_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "vtest.avi").write_bytes(CONTENT)
    assert find_film(None, tmp_path) == tmp_path / "vtest.avi"


@pytest.mark.parametrize("cached", [None, b"damaged"])
def test_without_any_source_each_reason_has_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cached: bytes | None
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    cache = tmp_path / "cache"
    cache.mkdir()
    if cached is not None:
        (cache / "vtest.avi").write_bytes(cached)
    with pytest.raises(DetloopError) as caught:
        find_film(None, cache)
    what_to_do, debian, github = str(caught.value).splitlines()
    assert "VIDEO=/path/to/vtest.avi make demo" in what_to_do
    assert debian.endswith("Debian's package opencv-doc: this machine has no apt-get and dpkg-deb")
    assert github.strip().startswith("OpenCV's repository: ")
    assert "Connection refused" in github
    assert not list(cache.glob("*.partial"))
