"""The proof that an export detects what its checkpoint did: same boxes, scores within 1e-3."""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detloop.errors import DetloopError

TOLERANCE = 1e-3
"""Largest difference of a score, and of a box edge as a share of the image."""


@dataclass(frozen=True)
class Detected:
    """What one model found in one image: boxes [k, 4] as shares of it (ymin, xmin, ymax, xmax), scores and ids."""

    boxes: np.ndarray
    scores: np.ndarray
    class_ids: np.ndarray


def largest_difference(checkpoint: Detected, export: Detected) -> float:
    """The largest difference of score or box edge between each detection and its partner in the other model's.

    A partner has the same class and differs least; order does not count, since equal scores may swap places.
    Detections that score below the tolerance need no partner: they come and go with rounding.
    """
    return max(_one_way(checkpoint, export), _one_way(export, checkpoint))


def _one_way(one: Detected, other: Detected) -> float:
    worst = 0.0
    for box, score, class_id in zip(one.boxes, one.scores, one.class_ids, strict=True):
        if score < TOLERANCE:
            continue
        same_class = other.class_ids == class_id
        if not same_class.any():
            return float("inf")
        differences = np.maximum(
            np.abs(other.boxes[same_class] - box).max(axis=1), np.abs(other.scores[same_class] - score)
        )
        worst = max(worst, float(differences.min()))
    return worst


def run_exports(models: list[Path], images: list[np.ndarray]) -> list[list[Detected]]:
    """What each exported model detects in each image, run in a process of its own as its users will run it.

    Raises:
        DetloopError: a model cannot be loaded or run.
    """
    with tempfile.TemporaryDirectory(prefix="detloop-proof-") as folder:
        given, found = Path(folder) / "images.npz", Path(folder) / "found.npz"
        np.savez(given, allow_pickle=False, **{str(index): image for index, image in enumerate(images)})
        command = [sys.executable, "-m", "detloop.export.probe", given, found, *models]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
            raise DetloopError(f"the exported model cannot be run: {reason}")
        with np.load(found, allow_pickle=False) as arrays:
            return [
                [
                    Detected(*(arrays[f"{what}_{place}_{index}"] for what in ("boxes", "scores", "class_ids")))
                    for index in range(len(images))
                ]
                for place in range(len(models))
            ]
