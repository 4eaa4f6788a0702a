"""The servers' builder, up to Go's door: real builds take minutes, and `make minio` runs them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "get_servers.py"
GO = """#!/bin/sh
echo "$@" >> "$GO_CALLS"
mkdir -p "$GOBIN"
name=$(basename "${3%@*}")
echo "#!/bin/sh" > "$GOBIN/$name.half"
test "$name" != "$GO_FAILS" && mv "$GOBIN/$name.half" "$GOBIN/$name"
"""


def build(folder: Path, *names: str, go_fails: str = "") -> subprocess.CompletedProcess[str]:
    """Runs the builder with a `go` that installs empty programs, and fails at one of this name."""
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin" / "go").write_text(GO)
    (folder / "bin" / "go").chmod(0o755)
    path = f"{folder / 'bin'}:/usr/bin:/bin"
    environment = {"PATH": path, "GO_CALLS": str(folder / "calls"), "GO_FAILS": go_fails}
    command = [sys.executable, str(SCRIPT), str(folder / "tools"), *names]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_pinned_versions_are_built_into_the_folder(tmp_path: Path) -> None:
    assert build(tmp_path).returncode == 0
    assert sorted(os.listdir(tmp_path / "tools")) == ["fake-gcs-server", "minio"]
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call.split()[0] for call in calls] == ["install", "install"]
    assert all("@v" in call and "@latest" not in call for call in calls)


def test_one_may_be_asked_for(tmp_path: Path) -> None:
    assert build(tmp_path, "minio").returncode == 0
    assert os.listdir(tmp_path / "tools") == ["minio"]


def test_a_build_that_fails_leaves_no_binary(tmp_path: Path) -> None:
    assert build(tmp_path, go_fails="minio").returncode != 0
    assert not (tmp_path / "tools" / "minio").exists()


def test_the_version_it_prints_is_the_one_it_builds(tmp_path: Path) -> None:
    printed = subprocess.run([sys.executable, str(SCRIPT), "--version", "minio"], capture_output=True, text=True)
    assert build(tmp_path, "minio").returncode == 0
    assert (tmp_path / "calls").read_text().rstrip().endswith(f"/minio@{printed.stdout.rstrip()}")


@pytest.mark.parametrize("arguments", [[], ["folder", "seaweed"], ["--version", "seaweed"]])
def test_wrong_usage(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True)
    assert (done.returncode, done.stderr.split()[0]) == (1, "usage:")


def test_without_go_it_says_so(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), str(tmp_path)]
    done = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "go is not on the PATH; install it, or set DETLOOP_MINIO to a MinIO binary\n"
