"""The metrics of an evaluation, read back from its metrics.json."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detloop.errors import DetloopError

OVERALL = ("AP", "AP50", "AP75", "AR100")


@dataclass(frozen=True)
class MeasuredClass:
    """One class: its metrics (0 to 1), None where nothing of it is labelled, and its boxes."""

    name: str
    ap: float | None
    ap50: float | None
    ar100: float | None
    labelled_boxes: int
    detected_boxes: int


@dataclass(frozen=True)
class Measured:
    """COCO's metrics over all classes, each 0 to 1 or None where there was nothing to measure, and by class."""

    overall: dict[str, float | None]
    images: int
    labelled_boxes: int
    detected_boxes: int
    per_class: tuple[MeasuredClass, ...]


def read_metrics(path: Path) -> Measured:
    """Reads the metrics.json that `detloop evaluate` writes.

    Raises:
        DetloopError: no such file, not JSON, or without one of the metrics.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return _measured(content)
    except FileNotFoundError:
        raise DetloopError(f"{path}: no such metrics file; give the metrics.json of `detloop evaluate`") from None
    except IsADirectoryError:
        raise DetloopError(f"{path}: is a folder; give the metrics.json in it") from None
    except (ValueError, TypeError) as error:
        raise DetloopError(f"{path}: not the metrics.json of `detloop evaluate`: {error}") from None
    except KeyError as error:
        raise DetloopError(f"{path}: {error} is missing; give the metrics.json of `detloop evaluate`") from None


def _measured(content: Any) -> Measured:
    if not isinstance(content, dict) or not isinstance(content["per_class"], list):
        raise ValueError("it holds something else")
    return Measured(
        overall={name: _figure(content[name]) for name in OVERALL},
        images=int(content["images"]),
        labelled_boxes=int(content["ground_truth_boxes"]),
        detected_boxes=int(content["detected_boxes"]),
        per_class=tuple(
            MeasuredClass(
                name=str(entry["class"]),
                ap=_figure(entry["AP"]),
                ap50=_figure(entry["AP50"]),
                ar100=_figure(entry["AR100"]),
                labelled_boxes=int(entry["ground_truth_boxes"]),
                detected_boxes=int(entry["detected_boxes"]),
            )
            for entry in content["per_class"]
        ),
    )


def _figure(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not a number")
    return float(value)
