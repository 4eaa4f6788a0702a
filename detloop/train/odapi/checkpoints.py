"""Where a training keeps its checkpoints and the best of them, and which is the newest."""

from pathlib import Path

CHECKPOINTS_NAME, BEST_NAME = "checkpoints", "best"
OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
"""What TF2 checkpoints hold besides weights, and TF1 checkpoints do not."""

MODEL_NAMES = ("model", "_model")
"""What the root of a TF2 training's checkpoint, and of an exported TF2 module, calls the model."""


def newest_checkpoint(folder: Path) -> Path | None:
    """Prefix of the newest whole checkpoint of either generation in a folder, by its step; None without one.

    The .index file is written last, so a checkpoint that has one is whole.
    """
    prefixes = (path.with_suffix("") for path in folder.glob("*ckpt-*.index"))
    return max(prefixes, key=step_of, default=None)


def checkpoint_in(folder: Path) -> Path | None:
    """Prefix of the best checkpoint in a training's folder, else of the newest there or in the folder itself."""
    found = (newest_checkpoint(place) for place in (folder / BEST_NAME, folder / CHECKPOINTS_NAME, folder))
    return next(filter(None, found), None)


def step_of(prefix: Path) -> int:
    """The step that a checkpoint of a training is of; its prefix ends with it."""
    return int(prefix.name.rpartition("-")[2])


def object_path(key: str) -> str:
    """The path of objects that leads to a variable, from its key in a TF2 checkpoint."""
    return key.partition("/.ATTRIBUTES")[0]
