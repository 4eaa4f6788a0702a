"""Puts uv into a folder with nothing but Python: `python3 tools/get_uv.py FOLDER`.

pip does it where it is there; Debian's python3 comes without pip, so otherwise the wheel is taken from the package
index itself, checked against the index's hash, and unpacked.
"""

import hashlib
import importlib.util
import io
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

VERSION = "0.13.9"
LOCK = Path(__file__).resolve().parent.parent / "uv.lock"


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if importlib.util.find_spec("pip"):
        target = folder / "uv-package"
        command = [sys.executable, "-m", "pip", "install", "-q", "--target", str(target), f"uv=={VERSION}"]
        subprocess.run(command, check=True)  # noqa: S603
        shutil.copy(target / "bin" / "uv", folder / "uv")
        return
    with zipfile.ZipFile(io.BytesIO(wheel())) as archive:
        member = next(name for name in archive.namelist() if name.endswith("/scripts/uv"))
        partial = folder / "uv.partial"
        partial.write_bytes(archive.read(member))
    partial.chmod(0o755)
    partial.rename(folder / "uv")


def wheel() -> bytes:
    """The wheel for this machine, from the index's JSON page of the project (PEP 691)."""
    page = f"{index()}/uv/"
    request = urllib.request.Request(page, headers={"Accept": "application/vnd.pypi.simple.v1+json"})  # noqa: S310
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        files = json.load(answer)["files"]
    wanted = f"uv-{VERSION}-py3-none-manylinux"
    machine = f"{platform.machine()}.whl"
    file = next(file for file in files if file["filename"].startswith(wanted) and file["filename"].endswith(machine))
    with urllib.request.urlopen(urllib.parse.urljoin(page, file["url"])) as answer:  # noqa: S310
        data: bytes = answer.read()
    if hashlib.sha256(data).hexdigest() != file["hashes"]["sha256"]:
        raise SystemExit(f"{file['filename']}: its hash is not the one the index gives")
    return data


def index() -> str:
    """The package index that the environment names, else the one that the lock file was made with."""
    named = re.search(r'registry = "([^"]+)"', LOCK.read_text(encoding="utf-8"))
    return os.environ.get("PIP_INDEX_URL", named[1] if named else "").rstrip("/")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
