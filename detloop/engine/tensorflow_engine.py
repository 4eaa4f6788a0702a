"""Detection with TensorFlow: frozen graphs and the SavedModels of both generations, each run in a session.

A session runs whether or not the process has disabled TensorFlow 2's behaviour, does not trace a function anew for each
image size, and costs less a call than a signature.
"""

import ctypes
import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from detloop.engine.detections import OUTPUT_NAMES, RawDetections, checked_detections
from detloop.errors import DetloopError

FROZEN_GRAPH_INPUT = "image_tensor"
SIGNATURE = "serving_default"
NAMES_SHOWN = 8

M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8
MALLOPT = {M_TRIM_THRESHOLD: 2**31 - 1, M_MMAP_MAX: 0, M_ARENA_MAX: 1}
"""What `mallopt` is told; source of the numbers: glibc's malloc.h."""


class TensorFlowEngine:
    """A detection graph in a session; use `open_frozen_graph` or `open_saved_model`."""

    def __init__(self, path: Path, session: Any, image_input: Any, outputs: Mapping[str, Any]) -> None:
        """Takes the tensors of the session's graph that are a detector's input and outputs.

        Raises:
            DetloopError: the input is not uint8 [n, height, width, 3].
        """
        shape = image_input.shape.as_list() if image_input.shape.rank is not None else [None] * 4
        if image_input.dtype != "uint8" or len(shape) != 4 or shape[3] not in (3, None):
            raise DetloopError(
                f"{path}: its input {image_input.name} is {image_input.dtype.name} {shape}, not uint8 images"
                " [n, height, width, 3]; export it with the input type image_tensor"
            )
        self._path = path
        self._image_hw: list[int | None] = shape[1:3]
        self._run = session.make_callable([outputs[name] for name in OUTPUT_NAMES], feed_list=[image_input])
        self.max_batch_size: int | None = shape[0]

    def detect(self, images: np.ndarray) -> RawDetections:
        """Detects in uint8 [n, height, width, 3] RGB images of one size; see `Engine`."""
        count, *image_hw = images.shape[:3]
        if any(fixed not in (None, actual) for fixed, actual in zip(self._image_hw, image_hw, strict=True)):
            raise DetloopError(
                f"{self._path}: takes images of height and width {self._image_hw} alone, these have {image_hw};"
                " export it with an input of any size"
            )
        with _errors_of(self._path, f"cannot detect in {count} images of {image_hw[1]}x{image_hw[0]}"):
            outputs = self._run(self._filled(images))
        try:
            raw = checked_detections(dict(zip(OUTPUT_NAMES, outputs, strict=True)), self.max_batch_size or count)
        except DetloopError as error:
            raise DetloopError(f"{self._path}: {error}") from None
        return RawDetections(raw.boxes[:count], raw.scores[:count], raw.class_ids[:count])

    def _filled(self, images: np.ndarray) -> np.ndarray:
        """The images, the last one repeated where the model takes exactly `max_batch_size`."""
        lacking = (self.max_batch_size or 0) - len(images)
        return images if lacking <= 0 else np.concatenate([images, np.repeat(images[-1:], lacking, axis=0)])


def open_frozen_graph(path: Path) -> TensorFlowEngine:
    """Loads a frozen graph: image_tensor:0 in, detection_* and num_detections:0 out.

    Raises:
        DetloopError: the file is no frozen graph, or lacks one of these tensors.
    """
    tf = _import_tensorflow()
    graph_def = tf.compat.v1.GraphDef()
    try:
        graph_def.ParseFromString(path.read_bytes())
    except DecodeError:
        graph_def.Clear()
    if not graph_def.node:
        raise DetloopError(f"{path}: not a frozen graph (a TensorFlow .pb file with a serialized GraphDef)")
    nodes = {node.name for node in graph_def.node}
    missing = [f"{name}:0" for name in (FROZEN_GRAPH_INPUT, *OUTPUT_NAMES) if name not in nodes]
    if missing:
        raise DetloopError(f"{path}: lacks {', '.join(missing)}; it has {_ends(graph_def)}")
    graph = tf.Graph()
    with graph.as_default(), _errors_of(path, "TensorFlow cannot load the graph"):
        tf.import_graph_def(graph_def, name="")
        tensors = {name: graph.get_tensor_by_name(f"{name}:0") for name in (FROZEN_GRAPH_INPUT, *OUTPUT_NAMES)}
    return TensorFlowEngine(path, open_session(graph), tensors[FROZEN_GRAPH_INPUT], tensors)


def open_saved_model(folder: Path) -> TensorFlowEngine:
    """Loads a SavedModel by its serving_default signature: one image input of any name, a detector's four outputs.

    Raises:
        DetloopError: the folder holds no readable SavedModel, or its signature lacks one of these.
    """
    tf = _import_tensorflow()
    session = open_session(tf.Graph())
    with session.graph.as_default(), _errors_of(folder, "not a SavedModel that TensorFlow can load"):
        meta_graph = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
    if SIGNATURE not in meta_graph.signature_def:
        names = _listed([name for name in meta_graph.signature_def if not name.startswith("__")])
        raise DetloopError(f"{folder}: has no signature {SIGNATURE}; it has {names}")
    signature = meta_graph.signature_def[SIGNATURE]
    missing = [name for name in OUTPUT_NAMES if name not in signature.outputs]
    if missing or len(signature.inputs) != 1:
        raise DetloopError(
            f"{folder}: its signature {SIGNATURE} lacks {', '.join(missing) or 'a single image input'}; it has the"
            f" inputs {_listed(signature.inputs)} and the outputs {_listed(signature.outputs)}"
        )
    tensor = session.graph.get_tensor_by_name
    (image_input,) = signature.inputs.values()
    outputs = {name: tensor(signature.outputs[name].name) for name in OUTPUT_NAMES}
    return TensorFlowEngine(folder, session, tensor(image_input.name), outputs)


def _import_tensorflow() -> Any:
    """TensorFlow, without its start-up messages.

    Raises:
        DetloopError: TensorFlow is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    _keep_freed_memory()
    try:
        with native_errors_hidden():
            import tensorflow as tf
    except ImportError:
        raise DetloopError("TensorFlow is not installed; install detloop with the extra cpu or gpu") from None
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    return tf


@contextmanager
def native_errors_hidden() -> Iterator[None]:
    """Hides what TensorFlow's C++ prints while it is loaded, before its log level counts; failures are exceptions."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _keep_freed_memory() -> None:
    """Has glibc keep freed memory for the next batch, where it would give it back and have it cleared page by page.

    A batch's activations are allocations of tens of MB, each above the threshold (32 MB at most) from which glibc asks
    the system anew. On the CPU this cost a fifth of the time of a batch of 8 images of 768x576. One arena for all
    threads, because memory that one arena keeps is of no use to the others. Where there is no glibc nothing is done.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in MALLOPT.items():
            mallopt(parameter, value)


def open_session(graph: Any) -> Any:
    """A session on `graph` whose GPU memory grows on demand, where TensorFlow by itself takes all there is."""
    import tensorflow as tf

    config = tf.compat.v1.ConfigProto()
    config.gpu_options.allow_growth = True
    return tf.compat.v1.Session(graph=graph, config=config)


@contextmanager
def _errors_of(path: Path, what_failed: str) -> Iterator[None]:
    """Turns what TensorFlow raises into one line that names the model."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.ResourceExhaustedError:
        raise DetloopError(f"{path}: {what_failed}: not enough memory; give a smaller batch size") from None
    except (tf.errors.OpError, ValueError, RuntimeError, KeyError, TypeError, OSError, DecodeError) as error:
        raise DetloopError(f"{path}: {what_failed}: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    lines = str(getattr(error, "message", error)).strip().splitlines()
    return re.sub(r"\s+", " ", lines[0]) if lines else type(error).__name__


def _ends(graph_def: Any) -> str:
    """What a graph takes and gives: its placeholders, and the nodes that no other node reads."""
    read = {re.sub(r"^\^|:\d+$", "", name) for node in graph_def.node for name in node.input}
    inputs = [node.name for node in graph_def.node if node.op == "Placeholder"]
    outputs = [node.name for node in graph_def.node if node.name not in read and node.name not in inputs]
    return f"the inputs {_listed(inputs)} and the outputs {_listed(outputs)}"


def _listed(names: Iterable[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:NAMES_SHOWN]) + (", ..." if len(shown) > NAMES_SHOWN else "") or "none"
