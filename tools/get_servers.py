"""Builds the object stores that tests run against: `python3 tools/get_servers.py FOLDER [minio] [fake-gcs-server]`.

The image of docker/minio is made from the same pin, which `--version` in the folder's place prints. MinIO's community
edition is source only: `go install` builds it from its pinned version, which Go checks against the public checksum
database, and the emulator of Google Cloud Storage likewise. Go must be on the PATH. Go's build cache makes the second
build a matter of seconds; an interrupted one goes on where it was.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

VERSIONS = {
    "minio": "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c",
    "fake-gcs-server": "github.com/fsouza/fake-gcs-server@v1.56.1",
}


def main(arguments: list[str]) -> None:
    names = arguments[1:]
    if not arguments or not set(names) <= set(VERSIONS):
        raise SystemExit(f"usage: get_servers.py FOLDER|--version [NAME ...], names of {', '.join(VERSIONS)}")
    if arguments[0] == "--version":
        print("\n".join(VERSIONS[name].partition("@")[2] for name in names))
    else:
        build_all(Path(arguments[0]), names or list(VERSIONS))


def build_all(folder: Path, names: list[str]) -> None:
    go = shutil.which("go")
    if go is None:
        raise SystemExit("go is not on the PATH; install it, or set DETLOOP_MINIO to a MinIO binary")
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        build(go, name, folder)


def build(go: str, name: str, folder: Path) -> None:
    """Builds in a folder beside, so that a binary of the final name is whole."""
    began = time.monotonic()
    partial = folder / f"{name}.partial"
    environment = os.environ | {"GOBIN": str(partial.resolve()), "CGO_ENABLED": "0", "GOFLAGS": "-trimpath"}
    print(f"building {VERSIONS[name]}; the first time takes minutes", file=sys.stderr, flush=True)
    command = [go, "install", "-ldflags=-s -w", VERSIONS[name]]
    # Outside the repository, so that no go.mod or go.work of a folder above has a say.
    subprocess.run(command, check=True, env=environment, cwd="/")  # noqa: S603
    (partial / name).replace(folder / name)
    shutil.rmtree(partial)
    print(f"built {name} in {time.monotonic() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
