"""Checks of the weights that a training starts from, by their names; the trainer compares each with the model's own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from detloop.train.checks.findings import Finding
from detloop.train.odapi.checkpoints import MODEL_NAMES, OBJECT_GRAPH, object_path
from detloop.train.odapi.config import PipelineConfig, architecture_of, feature_extractor_of, generation_of

Shapes = Mapping[str, tuple[int, ...]]

_WHERE = "checkpoint"
_BACKBONES = {
    "inception_resnet_v2": "InceptionResnetV2",
    "inception_v2": "InceptionV2",
    "inception_v3": "InceptionV3",
    "mobilenet_v1": "MobilenetV1",
    "mobilenet_v2": "MobilenetV2",
    "mobilenet_v3": "MobilenetV3",
    "mobilenet_edgetpu": "MobilenetEdgeTPU",
    "mobiledet_cpu": "MobileDetCPU",
    "mobiledet_dsp": "MobileDetDSP",
    "mobiledet_edgetpu": "MobileDetEdgeTPU",
    "mobiledet_gpu": "MobileDetGPU",
    "resnet50": "resnet_v1_50",
    "resnet101": "resnet_v1_101",
    "resnet152": "resnet_v1_152",
}
"""The scope of a slim feature extractor's weights, in detection and in classification checkpoints alike."""

_BOX_HEADS = ("BoxEncodingPredictor", "BoxPredictor")
_TF2_ROOTS = tuple(f"{name}/" for name in MODEL_NAMES)
_TF2_PARTS = {
    "ssd": ("_feature_extractor/", "_box_predictor/"),
    "faster_rcnn": ("_feature_extractor_for_", "_first_stage_box_predictor"),
    "center_net": ("_feature_extractor/", "_prediction_head_dict/"),
}
"""What the weights of an architecture lie under in an object-based checkpoint; the backbone first."""


@dataclass(frozen=True)
class Weights:
    """What a checkpoint or frozen graph holds.

    Attributes:
        kind: "frozen graph", "TF1 checkpoint" or "TF2 checkpoint".
        shapes: of the weights, by name; in a TF2 checkpoint by the path of objects that leads to each.
    """

    path: Path
    kind: str
    shapes: Shapes


def read_weights(path: Path) -> Weights:
    """Reads names and shapes, for which TensorFlow must be imported: the API's runtime has to be loaded before.

    Raises:
        DetloopError: the file is neither a frozen graph nor a checkpoint.
    """
    from detloop.train.odapi.weights import read_named_weights, shapes_in_checkpoint

    if path.suffix == ".pb":
        return Weights(path, "frozen graph", read_named_weights(path).shapes)
    shapes = shapes_in_checkpoint(path)
    if OBJECT_GRAPH in shapes:
        return Weights(path, "TF2 checkpoint", {object_path(key): shape for key, shape in shapes.items()})
    return Weights(path, "TF1 checkpoint", shapes)


def check_checkpoint(config: PipelineConfig, weights: Weights) -> list[Finding]:
    """Whether the weights are of the config's generation and hold its backbone, and what becomes of the class heads."""
    generation = generation_of(config)
    if (weights.kind == "TF2 checkpoint") != (generation == "tf2"):
        what = f"{weights.path} is a {weights.kind}, but {feature_extractor_of(config)} is a {generation.upper()} model"
        wanted = "TF2 checkpoint (ckpt-0)" if generation == "tf2" else "TF1 checkpoint (model.ckpt) or frozen graph"
        return [Finding("error", _WHERE, what, f"give a {wanted}")]
    check = _check_object_paths if generation == "tf2" else _check_names
    return [*check(config, weights), *_check_class_heads(config, weights)]


def _check_names(config: PipelineConfig, weights: Weights) -> list[Finding]:
    """Whether the scope of the backbone is there; a feature extractor without a known scope is left to the trainer."""
    extractor = feature_extractor_of(config)
    scope = next((scope for part, scope in _BACKBONES.items() if part in extractor), None)
    parts = {part for name in weights.shapes for part in name.split("/")}
    if scope is None or scope in parts:
        return []
    known = [other for other in _BACKBONES.values() if other in parts]
    held = f"those of {known[0]}" if known else ", ".join(sorted(weights.shapes)[:2]) or "nothing"
    what = f"{weights.path} has no weights of {scope}, the backbone of {extractor}; it has {held}"
    return [Finding("error", _WHERE, what, "give weights of the same backbone")]


def _check_object_paths(config: PipelineConfig, weights: Weights) -> list[Finding]:
    architecture = str(config.model.WhichOneof("model"))
    root = next((root for root in _TF2_ROOTS if any(name.startswith(root) for name in weights.shapes)), None)
    if root is None:
        names = ", ".join(sorted({name.partition("/")[0] for name in weights.shapes} - {OBJECT_GRAPH})[:4])
        what = f"{weights.path} holds no detection model; it has {names or 'nothing'}"
        return [Finding("error", _WHERE, what, "give a detector's checkpoint")]
    backbone, heads = _TF2_PARTS[architecture]
    if not _holds(weights, root + backbone):
        what = f"{weights.path} has no backbone of a {architecture} model ({root}{backbone})"
        return [Finding("error", _WHERE, what, f"give a checkpoint of a {architecture} model")]
    if not _holds(weights, root + heads):
        what = f"{weights.path} has none of a {architecture} model's heads ({root}{heads}); they start anew"
        return [Finding("warning", _WHERE, what, f"is it of another kind of model than {architecture}?")]
    return []


def _holds(weights: Weights, prefix: str) -> bool:
    return any(name.startswith(prefix) for name in weights.shapes)


def _check_class_heads(config: PipelineConfig, weights: Weights) -> list[Finding]:
    """Says where class heads are of another class count, which is fine: they start anew."""
    trained, wanted = _class_count(weights.shapes), architecture_of(config).num_classes
    if trained is None or trained == wanted:
        return []
    what = f"its class heads are for {trained} classes, the config has {wanted}; they start anew, all else is loaded"
    return [Finding("note", _WHERE, what)]


def _class_count(shapes: Shapes) -> int | None:
    """The classes that slim heads were trained on: an anchor has a bias for each class and one for the background.

    The number of anchors is known from the boxes' heads; those of Faster R-CNN have one box a class.
    """
    second_stage = shapes.get("SecondStageBoxPredictor/ClassPredictor/biases")
    if second_stage:
        return second_stage[0] - 1
    for name, shape in shapes.items():
        head = re.fullmatch(r"((?!FirstStage)\w*BoxPredictor(_0)?)/ClassPredictor/biases", name)
        if head:
            boxes = [shapes[f"{head[1]}/{box}/biases"] for box in _BOX_HEADS if f"{head[1]}/{box}/biases" in shapes]
            anchors = boxes[0][0] // 4 if boxes else 0
            return shape[0] // anchors - 1 if anchors else None
    return None
