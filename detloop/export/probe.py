"""Runs an exported model as its users will, in a process of its own: `python -m detloop.export.probe MODEL IN OUT`.

IN is an .npz of uint8 images named 0, 1, ...; OUT becomes an .npz of `boxes_0`, `scores_0`, `class_ids_0`, ...
"""

import sys
from pathlib import Path

import numpy as np

from detloop.engine import open_engine


def probe(model: Path, images: Path, output: Path) -> None:
    """Detects in every image of `images` with `model` and writes what was found to `output`."""
    engine = open_engine(model)
    found: dict[str, np.ndarray] = {}
    with np.load(images, allow_pickle=False) as arrays:
        for name in arrays.files:
            raw = engine.detect(arrays[name][np.newaxis])
            found |= {
                f"boxes_{name}": raw.boxes[0],
                f"scores_{name}": raw.scores[0],
                f"class_ids_{name}": raw.class_ids[0],
            }
    np.savez(output, allow_pickle=False, **found)


if __name__ == "__main__":
    probe(*map(Path, sys.argv[1:]))
