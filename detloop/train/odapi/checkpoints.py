"""Where a training keeps its checkpoints and the best of them, and which is the newest."""

from pathlib import Path

CHECKPOINTS_NAME, BEST_NAME = "checkpoints", "best"


def newest_checkpoint(folder: Path) -> Path | None:
    """Prefix of the newest whole checkpoint of either generation in a folder, by its step; None without one.

    The .index file is written last, so a checkpoint that has one is whole.
    """
    steps = {int(path.stem.rpartition("-")[2]): path.with_suffix("") for path in folder.glob("*ckpt-*.index")}
    return steps[max(steps)] if steps else None
