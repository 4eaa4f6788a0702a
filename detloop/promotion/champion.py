"""The promoted location: a folder or bucket prefix with the champion, and with those that were it before.

champion.json                       which version is the champion; written last, so that all it names is whole
versions/VERSION/model/...          the export, with its label map
versions/VERSION/listing.csv        the images that this champion and those before it have seen
versions/VERSION/metrics.json       what it measured when it was promoted
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from detloop.errors import DetloopError
from detloop.store import existing_file, open_store

CHAMPION_NAME, LISTING_NAME, METRICS_NAME = "champion.json", "listing.csv", "metrics.json"
_VERSION = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class Champion:
    """The promoted model.

    Attributes:
        folder: URI of its version's folder.
        version: 12 hexadecimal digits, which go by the content.
        metric, figure: what decided on it, and how much of it it had on the valid records of its run; None where that
            could not be measured.
        promoted_at: when, in UTC, as 2026-11-25T06:30:00Z.
    """

    folder: str
    version: str
    metric: str
    figure: float | None
    promoted_at: str

    @property
    def model(self) -> str:
        """URI of the exported model."""
        return f"{self.folder}/model"

    def __str__(self) -> str:
        figure = "unmeasured" if self.figure is None else f"{self.figure:.3f}"
        return f"{self.version} ({self.metric} {figure}, promoted {self.promoted_at})"

    def listing(self) -> Path:
        """The listing of the images it has seen, fetched if it lies in a bucket."""
        return existing_file(f"{self.folder}/{LISTING_NAME}", "image listing")


def read_champion(promoted: str) -> Champion | None:
    """The champion at a promoted location; None where nothing has been promoted yet.

    Raises:
        DetloopError: the location cannot be read, or its champion.json was not written by a promotion.
    """
    store = open_store(promoted)
    if not store.exists(CHAMPION_NAME):
        return None
    try:
        told = json.loads(store.read_bytes(CHAMPION_NAME))
        version, figure = told["version"], told["figure"]
        if not _VERSION.fullmatch(version):
            raise ValueError(version)
        figure = None if figure is None else float(figure)
        metric, promoted_at = str(told["metric"]), str(told["promoted_at"])
    except (ValueError, KeyError, TypeError):
        raise DetloopError(
            f"{store.root}/{CHAMPION_NAME}: was not written by a promotion; give another location, or remove it"
        ) from None
    return Champion(f"{store.root}/versions/{version}", version, metric, figure, promoted_at)


def champion_version(promoted: str) -> str:
    """The champion's version; empty where there is no location or nothing has been promoted."""
    champion = read_champion(promoted) if promoted else None
    return champion.version if champion else ""


def write_champion(promoted: str, version: str, files: dict[str, Path], metric: str, figure: float | None) -> Champion:
    """Makes a version the champion; killed before its end, the one before it still is.

    Args:
        files: what the version consists of, by its name in the version's folder.
    """
    store = open_store(promoted)
    for name, path in files.items():
        store.write_file(f"versions/{version}/{name}", path)
    promoted_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    told = {"version": version, "metric": metric, "figure": figure, "promoted_at": promoted_at}
    store.write_bytes(CHAMPION_NAME, json.dumps(told, indent=2).encode() + b"\n")
    return Champion(f"{store.root}/versions/{version}", version, metric, figure, promoted_at)
