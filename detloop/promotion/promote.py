"""Whether a new model takes the champion's place, and the change of places."""

import hashlib
import heapq
import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from detloop.errors import DetloopError
from detloop.listing import ListedImage, read_listing, write_listing
from detloop.promotion.champion import LISTING_NAME, METRICS_NAME, Champion, read_champion, write_champion
from detloop.store import sha256_of


@dataclass(frozen=True)
class Promotion:
    """What became of a new model.

    Attributes:
        champion: the one from here on: the new model, or the one that it could not beat.
        is_new: whether it is the new model.
        figure: how much of the metric the new model has; None where it could not be measured.
        beaten: how much the champion had before, on the same records; None where there was none, where it could not be
            measured, and where the model was the champion already.
        had_champion: whether there was one before.
    """

    champion: Champion
    is_new: bool
    metric: str
    figure: float | None
    beaten: float | None
    had_champion: bool
    least_gain: float

    def __str__(self) -> str:
        new = f"{self.metric} {_shown(self.figure)}"
        if not self.had_champion:
            return f"promoted as the first champion, with {new}: {self.champion.folder}"
        if self.is_new and self.beaten is None:
            return f"is the champion already, with {new}: {self.champion.folder}"
        against = f"the champion's {_shown(self.beaten)} on the same records"
        gain = f" and a gain of at least {self.least_gain:g}" if self.least_gain else ""
        if self.is_new:
            return f"promoted, with {new} against {against}{gain}: {self.champion.folder}"
        return f"not promoted: {new} against {against}{gain}; its images count as new for the next run"

    def markdown(self) -> str:
        """The same for the KFP UI, as it stands."""
        return f"    {self}\n"

    def metadata(self) -> dict[str, int | float | str]:
        """For a pipeline artifact."""
        figures = {self.metric: self.figure, f"champion_{self.metric}": self.beaten}
        known = {name: figure for name, figure in figures.items() if figure is not None}
        return {"promoted": "yes" if self.is_new else "no", "champion": self.champion.version, **known}


def promote_model(
    *,
    model: Path,
    metrics: Path,
    listing: Path,
    promoted: str,
    champion_metrics: Path | None = None,
    champion: str | None = None,
    metric: str = "AP",
    least_gain: float = 0.0,
) -> Promotion:
    """Makes a model the champion unless it is worse: its metric must be at least the champion's plus `least_gain`.

    The first model of a location is its champion whatever it measures. A metric that could not be measured beats none.
    A promotion that was cut off behind its end may be done again: the model is the champion already.

    Args:
        model: a folder that `detloop export` wrote.
        metrics: metrics.json of the model.
        listing: the images that its run looked at; together with those that the champion has seen they are no longer
            new.
        promoted: the location; see `detloop.promotion.champion`.
        champion_metrics: metrics.json of the champion on the same records; needed where there is one.
        champion: URI of the champion's model that was measured, to find out whether another has come since; empty for
            none, None to take what is there.
        metric: a figure of metrics.json, as AP or AP50.
        least_gain: how much better than the champion the model must be.

    Raises:
        DetloopError: a file is missing or lacks the metric, or the champion is not the one that was measured.
    """
    if not (model / "label_map.pbtxt").is_file():
        raise DetloopError(f"{model}: is no exported model; give a folder that `detloop export` wrote")
    current, figure = read_champion(promoted), _figure(metrics, metric)
    beaten = _figure(champion_metrics, metric) if champion_metrics is not None else None
    with tempfile.TemporaryDirectory() as folder:
        files = _files_of_version(model, metrics, listing, current, Path(folder) / LISTING_NAME)
        version = _version(files)
        if current is not None and current.version == version:
            return Promotion(current, True, metric, figure, None, True, least_gain)
        _check_champion(promoted, current, champion, champion_metrics)
        if current is not None and (figure is None or beaten is None or figure < beaten + least_gain):
            return Promotion(current, False, metric, figure, beaten, True, least_gain)
        new = write_champion(promoted, version, files, metric, figure)
    return Promotion(new, True, metric, figure, beaten, current is not None, least_gain)


def _check_champion(
    promoted: str, current: Champion | None, measured: str | None, champion_metrics: Path | None
) -> None:
    """Makes sure that the champion is the one that was measured."""
    found = current.model if current else ""
    if measured is not None and measured != found:
        raise DetloopError(
            f"{promoted}: the champion was {measured or 'none'} when this run began and is {found or 'none'} by now;"
            " nothing was promoted; run again"
        )
    if current is not None and champion_metrics is None:
        raise DetloopError(f"{promoted}: has a champion; measure {current.model} on the same records, too")


def _figure(path: Path, metric: str) -> float | None:
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DetloopError(f"{path}: no such file; write it with `detloop evaluate`") from None
    except ValueError:
        raise DetloopError(f"{path}: is no metrics.json; write it with `detloop evaluate`") from None
    known = [name for name, value in figures.items() if value is None or isinstance(value, int | float)]
    if metric not in known:
        raise DetloopError(f"{path}: has no {metric}; it has {', '.join(known)}")
    figure = figures[metric]
    return None if figure is None else float(figure)


def _files_of_version(
    model: Path, metrics: Path, listing: Path, current: Champion | None, seen: Path
) -> dict[str, Path]:
    """What the model's version consists of, by names in its folder; the listing of all that was seen is written."""
    before = read_listing(current.listing()) if current else iter(())
    write_listing(seen, _all_seen(before, read_listing(listing)))
    files = {f"model/{path.relative_to(model).as_posix()}": path for path in model.rglob("*") if path.is_file()}
    return files | {LISTING_NAME: seen, METRICS_NAME: metrics}


def _all_seen(before: Iterable[ListedImage], now: Iterable[ListedImage]) -> Iterator[ListedImage]:
    """Both listings as one; of an image that has changed the state in which it was seen last."""
    uri_of = attrgetter("uri")
    for _, states in groupby(heapq.merge(before, now, key=uri_of), uri_of):
        *_, last = states
        yield last


def _version(files: dict[str, Path]) -> str:
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{sha256_of(files[name])}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:12]


def _shown(figure: float | None) -> str:
    return "that could not be measured" if figure is None else f"{figure:.3f}"
