"""Tables that the tests write themselves, row by row."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

DETECTION_HEADER = ("filename", "width", "height", "class", "score", "xmin", "ymin", "xmax", "ymax")
IMAGES_HEADER = ("filename", "width", "height", "detections", "error")


def write_csv(path: Path, rows: Iterable[Sequence[object]], header: Sequence[str] = DETECTION_HEADER) -> Path:
    """A CSV with a header; names that are not UTF-8 keep their bytes."""
    with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def row(
    filename: str,
    box_px: Sequence[float],
    name: str = "person",
    size_wh: tuple[int, int] = (96, 64),
    score: float = 0.9,
) -> tuple[object, ...]:
    """One row of a detections table."""
    return (filename, *size_wh, name, score, *box_px)
