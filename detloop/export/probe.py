"""Runs exported models as their users will, in a process of their own.

`python -m detloop.export.probe IN OUT MODEL ...`: IN is an .npz of uint8 images named 0, 1, ...; OUT becomes an .npz of
`boxes_M_I`, `scores_M_I` and `class_ids_M_I` for the image I and the model at place M, from 0, of those given.
"""

import sys
from pathlib import Path

import numpy as np

from detloop.engine import open_engine


def probe(images: Path, output: Path, models: list[Path]) -> None:
    """Detects in every image of `images` with every model and writes what was found to `output`."""
    found: dict[str, np.ndarray] = {}
    with np.load(images, allow_pickle=False) as arrays:
        for place, model in enumerate(models):
            engine = open_engine(model)
            for name in arrays.files:
                raw = engine.detect(arrays[name][np.newaxis])
                found[f"boxes_{place}_{name}"] = raw.boxes[0]
                found[f"scores_{place}_{name}"] = raw.scores[0]
                found[f"class_ids_{place}_{name}"] = raw.class_ids[0]
    np.savez(output, allow_pickle=False, **found)


if __name__ == "__main__":
    images_path, output_path, *model_paths = map(Path, sys.argv[1:])
    probe(images_path, output_path, model_paths)
