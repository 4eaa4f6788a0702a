"""Which model a path names, and the engine that runs it."""

from pathlib import Path
from typing import Protocol

import numpy as np

from detloop.engine.detections import RawDetections
from detloop.errors import DetloopError
from detloop.store import fetch, in_bucket

FROZEN_GRAPH_NAME = "frozen_inference_graph.pb"
SAVED_MODEL_NAMES = ("saved_model.pb", "saved_model.pbtxt")
LABEL_MAP_NAME = "label_map.pbtxt"
ENGINES = ("auto", "tensorflow")


class Engine(Protocol):
    """A loaded model.

    Attributes:
        max_batch_size: the most images one run takes, where the model's input has a fixed batch size; None where it
            takes any number.
    """

    max_batch_size: int | None

    def detect(self, images: np.ndarray) -> RawDetections:
        """Detects in uint8 [n, height, width, 3] RGB images of one size.

        Raises:
            DetloopError: the model cannot run on these images, or gives something that is no detection.
        """
        ...


def open_engine(model: Path, engine: str = "auto") -> Engine:
    """Loads a model.

    Args:
        model: a frozen graph (.pb), a SavedModel folder, or a folder that holds either; of both, the frozen graph.
        engine: "auto" or "tensorflow".

    Raises:
        DetloopError: nothing is there, it is no model, or it lacks a detector's inputs and outputs.
    """
    if engine not in ENGINES:
        raise DetloopError(f"no engine {engine!r}; there are {', '.join(ENGINES)}")
    path = find_model(model)
    from detloop.engine.tensorflow_engine import open_frozen_graph, open_saved_model

    return open_saved_model(path) if path.is_dir() else open_frozen_graph(path)


def fetch_model(uri: str) -> Path:
    """The frozen graph file or the SavedModel folder that a URI names or holds, fetched if it lies in a bucket.

    A label map beside a bucket's model is fetched too.

    Raises:
        DetloopError: there is no model.
    """
    if not in_bucket(uri):
        return find_model(fetch(uri, "model"))
    folder, _, name = uri.rpartition("/")
    named = folder if name in SAVED_MODEL_NAMES else uri
    path = fetch(named, "model", beside=[LABEL_MAP_NAME])
    try:
        return find_model(path)
    except DetloopError as error:
        raise DetloopError(str(error).replace(str(path), named)) from None


def find_model(model: Path) -> Path:
    """The frozen graph file or the SavedModel folder that `model` names or holds.

    Raises:
        DetloopError: there is none.
    """
    if not model.exists():
        raise DetloopError(f"{model}: no such model; give a frozen graph (.pb), a SavedModel or a folder with one")
    if model.is_file():
        return model.parent if model.name in SAVED_MODEL_NAMES else model
    if (model / FROZEN_GRAPH_NAME).is_file():
        return model / FROZEN_GRAPH_NAME
    for folder in (model, model / "saved_model"):
        if any((folder / name).is_file() for name in SAVED_MODEL_NAMES):
            return folder
    if any(model.glob("*ckpt-*.index")):
        raise DetloopError(f"{model}: holds checkpoints, not a model; export it first with `detloop export`")
    held = ", ".join(sorted(entry.name for entry in model.iterdir())[:8])
    raise DetloopError(f"{model}: holds neither {FROZEN_GRAPH_NAME} nor a SavedModel; it has {held or 'nothing'}")
