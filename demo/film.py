"""The demo's film, vtest.avi of OpenCV's samples: people crossing a square, 795 frames of 768x576 pixels."""

import contextlib
import hashlib
import http.client
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from detloop.errors import DetloopError
from detloop.progress import Progress
from detloop.store import write_file_whole

FILM_NAME = "vtest.avi"
FILM_SHA256 = "45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf"
DEBIAN_PACKAGE = "opencv-doc"
PRINTED_URI = re.compile(r"^'.+' (?P<name>\S+\.deb) (?P<size_bytes>\d+)", re.MULTILINE)
CHUNK_BYTES = 1 << 18
STALLED_SECONDS = 30
WHAT_TO_DO = "fetch it where there is a network, and give its path: VIDEO=/path/to/vtest.avi make demo"


class _SourceError(Exception):
    """Why one source could not give the film."""


def find_film(given: Path | None, cache: Path) -> Path:
    """The film at `given`, or else in `cache`, fetched there from Debian's opencv-doc or OpenCV's repository.

    Whatever its source, the film's SHA-256 is checked: the demo's figures hold for this film alone.

    Raises:
        DetloopError: `given` is not the film; or, one reason a line, no source could give it.
    """
    if given is not None:
        return _checked_film(given)
    cached = cache / FILM_NAME
    if cached.is_file() and _sha256(cached) == FILM_SHA256:
        return cached
    reasons = []
    for source, fetch in (("Debian's package opencv-doc", _from_debian), ("OpenCV's repository", _from_github)):
        _say(f"fetching {FILM_NAME} from {source}")
        try:
            with write_file_whole(cached) as partial:
                fetch(partial)
                if _sha256(partial) != FILM_SHA256:
                    raise _SourceError(f"its {FILM_NAME} is another film (SHA-256 {_sha256(partial)})")
            return cached
        except (_SourceError, OSError, subprocess.SubprocessError) as error:
            reasons.append(f"  {source}: {_last_line(str(error))}")
    raise DetloopError("\n".join([f"{FILM_NAME} could not be fetched; {WHAT_TO_DO}", *reasons]))


def _checked_film(path: Path) -> Path:
    if not path.is_file():
        raise DetloopError(f"{path}: no such film; give the path of {FILM_NAME}, or none to have it fetched")
    if _sha256(path) != FILM_SHA256:
        raise DetloopError(
            f"{path}: is not the demo's {FILM_NAME} (its SHA-256 differs); for a film of your own use `detloop frames`"
        )
    return path


def _from_debian(film: Path) -> None:
    """Takes the film out of the package without installing it, which would need root."""
    apt_get, dpkg_deb = shutil.which("apt-get"), shutil.which("dpkg-deb")
    if apt_get is None or dpkg_deb is None:
        raise _SourceError("this machine has no apt-get and dpkg-deb")
    with tempfile.TemporaryDirectory() as folder:
        package = _downloaded_package(apt_get, Path(folder))
        _extract_film(dpkg_deb, package, film)


def _downloaded_package(apt_get: str, folder: Path) -> Path:
    """The package file, downloaded by the machine's package lists or, where they are empty or old, by private ones."""
    with contextlib.suppress(_SourceError):
        return _download([apt_get], folder)
    _say("fetching Debian's package lists")
    private = [apt_get, *_private_apt_options(folder)]
    update = _run([*private, "update"])
    try:
        return _download(private, folder)
    except _SourceError as error:
        raise _SourceError(_apt_error(update) or str(error)) from None


def _private_apt_options(folder: Path) -> list[str]:
    """Options that keep all that apt writes in `folder`, so that it needs no root."""
    options = []
    for key, name in (("Dir::State", "state"), ("Dir::State::Lists", "lists"), ("Dir::Cache", "cache")):
        (folder / name / "partial").mkdir(parents=True)
        options += ["-o", f"{key}={folder / name}"]
    return options


def _download(apt_get: Sequence[str], folder: Path) -> Path:
    """Has apt-get download the package into `folder`, showing how much of it has arrived."""
    listing = _run([*apt_get, "download", "--print-uris", DEBIAN_PACKAGE])
    listed = PRINTED_URI.search(listing.stdout)
    if listed is None:
        raise _SourceError(_apt_error(listing) or f"apt-get knows no package {DEBIAN_PACKAGE}")
    package, size_mb = folder / listed["name"], int(listed["size_bytes"]) // 1_000_000
    with Progress("film", size_mb, unit="MB") as progress, ThreadPoolExecutor(1) as pool:
        download = pool.submit(_run, [*apt_get, "download", DEBIAN_PACKAGE], folder)
        shown_mb = 0
        while not download.done():
            wait([download], timeout=0.2)
            arrived_mb = package.stat().st_size // 1_000_000 if package.exists() else 0
            progress.update(arrived_mb - shown_mb)
            shown_mb = arrived_mb
    if download.result().returncode or not package.exists():
        raise _SourceError(_apt_error(download.result()) or f"{DEBIAN_PACKAGE} was not downloaded")
    return package


def _run(command: Sequence[str], folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        command, cwd=folder, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
    )


def _apt_error(finished: subprocess.CompletedProcess[str]) -> str:
    """apt-get's last error, empty where it had none."""
    errors = [line.removeprefix("E: ") for line in finished.stderr.splitlines() if line.startswith("E: ")]
    return errors[-1] if errors else ""


def _extract_film(dpkg_deb: str, package: Path, film: Path) -> None:
    """Reads the package as a stream up to the film: unpacked it has 270 MB."""
    command = [dpkg_deb, "--fsys-tarfile", str(package)]
    try:
        with (
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process,  # noqa: S603
            tarfile.open(fileobj=process.stdout, mode="r|") as archive,
        ):
            for member in archive:
                content = archive.extractfile(member) if member.name.endswith(f"/{FILM_NAME}") else None
                if content is not None:
                    with open(film, "wb") as file:
                        shutil.copyfileobj(content, file)
                    return
    except tarfile.TarError as error:
        raise _SourceError(f"{package.name} cannot be unpacked: {error}") from None
    raise _SourceError(f"{package.name} holds no {FILM_NAME}")


def _from_github(film: Path) -> None:
    url = "https://raw.githubusercontent.com/opencv/opencv/4.x/samples/data/vtest.avi"
    try:
        with urllib.request.urlopen(url, timeout=STALLED_SECONDS) as response, open(film, "wb") as file:
            total = int(response.headers.get("Content-Length", 0)) or None
            with Progress("film", total, unit="bytes") as progress:
                while chunk := response.read(CHUNK_BYTES):
                    file.write(chunk)
                    progress.update(len(chunk))
    except urllib.error.HTTPError as error:
        raise _SourceError(f"the server answers {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise _SourceError(str(error.reason)) from None
    except http.client.HTTPException as error:
        raise _SourceError(f"{type(error).__name__}: {error}") from None


def _say(text: str) -> None:
    print(f"film: {text}", file=sys.stderr, flush=True)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1]
