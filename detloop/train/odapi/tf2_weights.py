"""Weights of TF2 models: found in a checkpoint by walking its graph of objects beside the model's own."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

from detloop.errors import DetloopError
from detloop.train.odapi.checkpoints import MODEL_NAMES, OBJECT_GRAPH, object_path
from detloop.train.odapi.weights import WarmStart, shape_text

_VALUE = "VARIABLE_VALUE"


@dataclass(frozen=True)
class _Match:
    variable: Any
    key: str


def load_object_weights(model: Any, prefix: Path) -> WarmStart:
    """Gives each variable of a built TF2 model the value of its counterpart in a checkpoint, where the shapes agree.

    Counterparts are the variables that the same attributes lead to from the model, as in
    tf.train.Checkpoint.restore, which however fails at the first shape that differs (class heads of another class
    count).

    Args:
        prefix: of a training's checkpoint, or `variables/variables` in an exported SavedModel.

    Raises:
        DetloopError: the checkpoint holds no detection model, or none of its weights fits.
    """
    reader = tf.train.load_checkpoint(str(prefix))
    graph = TrackableObjectGraph.FromString(reader.get_tensor(OBJECT_GRAPH))
    roots = {child.local_name: child.node_id for child in graph.nodes[0].children}
    root = next((roots[name] for name in MODEL_NAMES if name in roots), None)
    if root is None:
        names = ", ".join(sorted(roots)) or "nothing"
        raise DetloopError(f"{prefix}: holds no detection model (its root has {names}); give a detector's checkpoint")
    matches = _matches(model, graph, root)
    shapes = reader.get_variable_to_shape_map()
    loaded, mismatched = [], []
    for match in matches.values():
        name, shape = _shown_name(match.key), tuple(match.variable.shape)
        if tuple(shapes[match.key]) == shape:
            match.variable.assign(reader.get_tensor(match.key))
            loaded.append(name)
        else:
            mismatched.append(f"{name} {shape_text(shapes[match.key])} for {shape_text(shape)}")
    if not loaded:
        raise DetloopError(
            f"{prefix}: none of its weights fits this model; give a checkpoint of the same kind of model"
        )
    missing = [variable.name for variable in model.variables if id(variable) not in matches]
    return WarmStart(prefix, loaded, missing, mismatched)


def _matches(model: Any, graph: TrackableObjectGraph, root: int) -> dict[int, _Match]:
    """The model's variables by identity, each with its key in the checkpoint."""
    view = tf.train.TrackableView(model)
    found: dict[int, _Match] = {}
    seen: set[tuple[int, int]] = set()
    pending = [(model, root)]
    while pending:
        trackable, node_id = pending.pop()
        if (id(trackable), node_id) in seen:
            continue
        seen.add((id(trackable), node_id))
        node = graph.nodes[node_id]
        for attribute in node.attributes:
            if attribute.name == _VALUE and isinstance(trackable, tf.Variable):
                found[id(trackable)] = _Match(trackable, attribute.checkpoint_key)
        children = view.children(trackable)
        pending += [(children[one.local_name], one.node_id) for one in node.children if one.local_name in children]
    return found


def _shown_name(key: str) -> str:
    return object_path(key).partition("/")[2]
