"""A cache of the tests' own, and nothing of a network but this machine."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from detloop.cli import main


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The zoo's part of the cache; the zoos' own server is out of reach."""
    monkeypatch.setenv("DETLOOP_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DETLOOP_ZOO_MIRROR", raising=False)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    for name in ("no_proxy", "NO_PROXY", "http_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache" / "zoo"


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the mirror."""
    folder = tmp_path / "my mirror"
    folder.mkdir()
    monkeypatch.setenv("DETLOOP_ZOO_MIRROR", folder.as_uri())
    return folder


def zoo(*arguments: object) -> Result:
    """Runs `detloop zoo ...`."""
    return CliRunner().invoke(main, ["zoo", *map(str, arguments)])


def error_of(result: Result) -> str:
    """The one line with which the command failed."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("detloop: error: "))
    assert result.stderr.endswith(f"{line}\n")
    return line
