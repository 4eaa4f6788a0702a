"""Checks of SSD's anchors against the shapes of the boxes in the records."""

import math
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from detloop.train.checks.findings import Finding
from detloop.train.checks.image_size import input_size, resized_size
from detloop.train.checks.survey import Box, Survey
from detloop.train.odapi.config import PipelineConfig, architecture_of

LOWEST_LAYER_SCALE = 0.1
SCALES_TRIED = [round(0.01 * hundredths, 2) for hundredths in range(2, 51)]
MOST_BOXES = 500
"""More change a median little, and each is compared with every anchor of every scale tried."""

Shape = tuple[float, float]
"""Width and height in units of the input's shorter side."""


def check_anchors(config: PipelineConfig, train: Survey) -> list[Finding]:
    """Whether the boxes have anchors of about their shape.

    An anchor learns a box that it overlaps by the matched threshold. A box that no anchor overlaps so much is learned
    by the nearest one alone, and its neighbours learn that it is background. Positions are left out: each box is
    compared with anchors of its own center, so that real overlaps are lower still.
    """
    architecture = architecture_of(config)
    if config.model.WhichOneof("model") != "ssd" or not train.boxes:
        return []
    generator, matcher = architecture.anchor_generator.ssd_anchor_generator, architecture.matcher.argmax_matcher
    if architecture.anchor_generator.WhichOneof("anchor_generator_oneof") != "ssd_anchor_generator":
        return []
    boxes = [_shape(config, box) for box in train.boxes[:: -(-len(train.boxes) // MOST_BOXES)]]
    typical = _typical_iou(boxes, anchor_shapes(generator, generator.min_scale))
    if typical >= matcher.matched_threshold:
        return []
    what = (
        f"half of the boxes overlap no anchor by {typical:.2f}, even at their own center, and are learned from"
        f" {matcher.matched_threshold:g} (matched_threshold), or by a single anchor"
    )
    return [Finding("warning", "config's ssd_anchor_generator", what, _advice(generator, boxes, typical))]


def anchor_shapes(generator: Any, min_scale: float) -> list[Shape]:
    """The shapes of all anchors, with another `min_scale` than the config's.

    Source: object_detection/anchor_generators/multiple_grid_anchor_generator.py, create_ssd_anchors.
    """
    scales = list(generator.scales) or _even_scales(generator.num_layers, min_scale, generator.max_scale)
    shapes: list[tuple[float, float]] = []
    for layer, (scale, next_scale) in enumerate(zip(scales, [*scales[1:], 1.0], strict=True)):
        if layer == 0 and generator.reduce_boxes_in_lowest_layer:
            shapes += [(LOWEST_LAYER_SCALE, 1.0), (scale, 2.0), (scale, 0.5)]
            continue
        shapes += [(scale, ratio) for ratio in generator.aspect_ratios]
        if generator.interpolated_scale_aspect_ratio > 0:
            shapes.append((math.sqrt(scale * next_scale), generator.interpolated_scale_aspect_ratio))
    base_wh = generator.base_anchor_width, generator.base_anchor_height
    return [(scale * math.sqrt(ratio) * base_wh[0], scale / math.sqrt(ratio) * base_wh[1]) for scale, ratio in shapes]


def _even_scales(layers: int, lowest: float, highest: float) -> list[float]:
    return [lowest + (highest - lowest) * layer / max(layers - 1, 1) for layer in range(layers)]


def _shape(config: PipelineConfig, box: Box) -> Shape:
    seen_wh, input_wh = resized_size(config, box.image_wh), input_size(config, box.image_wh)
    return box.width * seen_wh[0] / min(input_wh), box.height * seen_wh[1] / min(input_wh)


def _typical_iou(boxes: Sequence[Shape], anchors: Iterable[Shape]) -> float:
    return median(max(_iou(box, anchor) for anchor in anchors) for box in boxes)


def _iou(box: Shape, anchor: Shape) -> float:
    """Intersection over union of two boxes of one center."""
    shared = min(box[0], anchor[0]) * min(box[1], anchor[1])
    return shared / (box[0] * box[1] + anchor[0] * anchor[1] - shared)


def _advice(generator: Any, boxes: Sequence[Shape], typical: float) -> str:
    lower = "lower matched_threshold and unmatched_threshold"
    if generator.scales:
        return f"{lower}, or give scales that fit the boxes"
    better = {scale: _typical_iou(boxes, anchor_shapes(generator, scale)) for scale in SCALES_TRIED}
    best = max(better, key=lambda scale: better[scale])
    if better[best] <= typical:
        return f"{lower}, or give aspect_ratios that fit the boxes"
    setting = f"--set model.ssd.anchor_generator.ssd_anchor_generator.min_scale={best:g}"
    return f"{setting} (then {better[best]:.2f}), or {lower}"
