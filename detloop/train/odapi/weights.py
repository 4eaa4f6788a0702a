"""Named weights of TF1 models: from a frozen graph's constants or a name-based checkpoint."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from detloop.errors import DetloopError
from detloop.train.odapi.checkpoints import OBJECT_GRAPH


@dataclass(frozen=True)
class NamedWeights:
    """Weights by variable name: their shapes at once, a value when asked for."""

    path: Path
    shapes: dict[str, tuple[int, ...]]
    value: Callable[[str], np.ndarray]


@dataclass(frozen=True)
class WarmStart:
    """Which of a model's variables a checkpoint gave a value to.

    Attributes:
        loaded: names that were loaded.
        missing: names that the checkpoint lacks.
        mismatched: names whose shapes differ, as `name (checkpoint's shape, model's shape)`.
    """

    path: Path
    loaded: list[str]
    missing: list[str]
    mismatched: list[str]

    def __str__(self) -> str:
        total = len(self.loaded) + len(self.missing) + len(self.mismatched)
        name = next(part for part in reversed(self.path.parts) if part not in ("variables", "saved_model"))
        text = f"started from {name}: {len(self.loaded)} of {total} variables loaded"
        for what, names in (("of another shape", self.mismatched), ("not in it", self.missing)):
            if names:
                text += f"; {len(names)} {what} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
        return text


def read_named_weights(path: Path) -> NamedWeights:
    """Opens a TF1 frozen graph (.pb) or the prefix of a TF1 checkpoint.

    Raises:
        DetloopError: the file is neither, or a TF2 checkpoint, whose weights have no names.
    """
    return _of_frozen_graph(path) if path.is_file() and path.suffix == ".pb" else _of_checkpoint(path)


def is_object_based(prefix: Path) -> bool:
    """Whether a checkpoint is one of TF2."""
    return OBJECT_GRAPH in shapes_in_checkpoint(prefix)


def _of_frozen_graph(path: Path) -> NamedWeights:
    graph = tf.compat.v1.GraphDef()
    try:
        graph.ParseFromString(path.read_bytes())
    except DecodeError:
        raise DetloopError(f"{path}: not a frozen graph; give a frozen_inference_graph.pb or a checkpoint") from None
    tensors = {node.name: node.attr["value"].tensor for node in graph.node if node.op == "Const"}
    shapes = {name: tuple(dim.size for dim in tensor.tensor_shape.dim) for name, tensor in tensors.items()}
    return NamedWeights(path, shapes, lambda name: tf.make_ndarray(tensors[name]))


def _of_checkpoint(prefix: Path) -> NamedWeights:
    shapes = shapes_in_checkpoint(prefix)
    if OBJECT_GRAPH in shapes:
        raise DetloopError(
            f"{prefix}: a TF2 checkpoint cannot start a TF1 model; give a TF1 checkpoint or frozen graph"
        )
    return NamedWeights(prefix, shapes, tf.train.load_checkpoint(str(prefix)).get_tensor)


def shapes_in_checkpoint(prefix: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of all that a checkpoint of either generation holds, by its key there.

    Raises:
        DetloopError: the file is no checkpoint.
    """
    try:
        reader = tf.train.load_checkpoint(str(prefix))
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise DetloopError(f"{prefix}: not a checkpoint: {reason}") from None
    return {name: tuple(shape) for name, shape in reader.get_variable_to_shape_map().items()}


def load_into_variables(weights: NamedWeights, variables: dict[str, Any], session: Any) -> WarmStart:
    """Gives every graph-mode variable the weight of its name, where the shapes agree.

    Args:
        variables: the model's variables by the name they have in the checkpoint.

    Raises:
        DetloopError: not a single variable could be loaded.
    """
    loaded, missing, mismatched = [], [], []
    for name, variable in variables.items():
        shape = tuple(variable.shape.as_list())
        if name not in weights.shapes:
            missing.append(name)
        elif weights.shapes[name] != shape:
            mismatched.append(f"{name} {shape_text(weights.shapes[name])} for {shape_text(shape)}")
        else:
            loaded.append(name)
    if not loaded:
        raise DetloopError(
            f"{weights.path}: none of its weights fits this model; it has {_some(weights.shapes)}, the model wants"
            f" {_some(variables)}"
        )
    initializers = [variables[name].initializer for name in loaded]
    values = (weights.value(name) for name in loaded)
    session.run(initializers, {op.inputs[1]: value for op, value in zip(initializers, values, strict=True)})
    return WarmStart(weights.path, loaded, missing, mismatched)


def shape_text(shape: Iterable[int]) -> str:
    """A shape as 3x3x8."""
    return "x".join(map(str, shape)) or "scalar"


def _some(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)[:2])
