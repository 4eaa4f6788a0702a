"""The zoos' models as a table."""

import sys
from concurrent.futures import ThreadPoolExecutor

from detloop.zoo.cache import archive_path
from detloop.zoo.catalog import ZooModel, select_models
from detloop.zoo.download import UnreachableError, published_size_bytes

NOTHING_PUBLISHED = "-"
_CONNECTIONS = 8
_HEADINGS = ("name", "generation", "trained on", "speed (ms)", "mAP", "outputs", "size (MB)")
_NOTE = (
    "Speed and mAP are as published. Where nothing else is said, mAP is COCO's, and TF1 speeds are those of a GeForce"
    " GTX TITAN X with 600x600 pixels."
)


def list_models(words: str = "", generation: str | None = None, sizes: bool = False) -> str:
    """A table of the zoos' models, one a line.

    Args:
        words: only models whose name holds each of these.
        generation: only "tf1" or "tf2".
        sizes: ask the server for the download sizes; otherwise only those of cached archives are known.

    Raises:
        DetloopError: no model is left.
    """
    models = select_models(words, generation)
    size_of = _published_sizes(models) if sizes else {}
    rows = [_HEADINGS, *(_row(model, size_of.get(model.name) or _cached_size_bytes(model)) for model in models)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, _NOTE])


def _row(model: ZooModel, size_bytes: int | None) -> tuple[str, ...]:
    speed = f"{model.speed_ms} ({model.speed_device})" if model.speed_device else model.speed_ms
    precision = model.mean_average_precision
    if precision and model.precision_metric != "COCO mAP":
        precision += f" ({model.precision_metric})"
    size = f"{size_bytes / 1e6:.1f}" if size_bytes else ""
    cells = (model.name, model.generation, model.trained_on, speed, precision, model.outputs, size)
    return tuple(cell or NOTHING_PUBLISHED for cell in cells)


def _cached_size_bytes(model: ZooModel) -> int | None:
    archive = archive_path(model)
    return archive.stat().st_size if archive.exists() else None


def _published_sizes(models: list[ZooModel]) -> dict[str, int]:
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        answers = dict(zip((model.name for model in models), pool.map(_size_or_reason, models), strict=True))
    reasons = [answer for answer in answers.values() if isinstance(answer, str)]
    if reasons:
        print(f"zoo: {len(reasons)} of {len(models)} sizes are not known: {reasons[0]}", file=sys.stderr)
    return {name: answer for name, answer in answers.items() if isinstance(answer, int)}


def _size_or_reason(model: ZooModel) -> int | str:
    try:
        return published_size_bytes(model)
    except UnreachableError as error:
        return str(error)
