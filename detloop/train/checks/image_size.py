"""Checks of the model's image size against the images and boxes in the records."""

from statistics import median
from typing import Any

from detloop.train.checks.findings import Finding
from detloop.train.checks.survey import Survey
from detloop.train.odapi.config import PipelineConfig, architecture_of

SQUEEZED = 2.0
ENLARGED = 2.0
SMALL_BOX_PX = 8.0


def check_image_size(config: PipelineConfig, train: Survey) -> list[Finding]:
    """Whether resizing to the model's input distorts or enlarges the images, or leaves little of the boxes."""
    if not train.image_sizes_wh:
        return []
    where = "config's image_resizer"
    (image_wh, _), (input_wh, scale_xy) = train.image_sizes_wh.most_common(1)[0], _typical_input(config, train)
    sizes = f"images of {image_wh[0]}x{image_wh[1]} pixels to {input_wh[0]}x{input_wh[1]}"
    findings = []
    squeezed = max(scale_xy) / min(scale_xy)
    if squeezed > SQUEEZED:
        what = f"it takes {sizes}, one side {squeezed:.1f} times as much as the other"
        findings.append(Finding("warning", where, what, "choose a size of the images' shape, or keep_aspect_ratio"))
    if min(scale_xy) >= ENLARGED:
        what = f"it enlarges {sizes}, which costs time and adds nothing"
        findings.append(Finding("warning", where, what, "choose a smaller size"))
    if train.boxes:
        side_px = median(_shorter_side_px(config, box.width, box.height, box.image_wh) for box in train.boxes)
        if side_px < SMALL_BOX_PX:
            what = f"it takes {sizes}, where half of the boxes are less than {side_px:.1f} pixels wide or high"
            findings.append(Finding("warning", where, what, "choose a larger size, or cut the images into tiles"))
    return findings


def input_size(config: PipelineConfig, image_wh: tuple[int, int]) -> tuple[int, int]:
    """Width and height of what the model sees of an image; source: object_detection/builders/image_resizer_builder.py.

    An image is padded up to max_dimension where pad_to_max_dimension asks for it, which is counted here.
    """
    return _resized(_resizer(config), image_wh, padded=True)


def resized_size(config: PipelineConfig, image_wh: tuple[int, int]) -> tuple[int, int]:
    """Width and height of an image in the model, without what it is padded with."""
    return _resized(_resizer(config), image_wh, padded=False)


def _typical_input(config: PipelineConfig, train: Survey) -> tuple[tuple[int, int], tuple[float, float]]:
    """The commonest image's size in the model, and how much its sides are scaled."""
    image_wh, _ = train.image_sizes_wh.most_common(1)[0]
    input_wh = resized_size(config, image_wh)
    return input_wh, (input_wh[0] / image_wh[0], input_wh[1] / image_wh[1])


def _shorter_side_px(config: PipelineConfig, width: float, height: float, image_wh: tuple[int, int]) -> float:
    input_wh = resized_size(config, image_wh)
    return min(width * input_wh[0], height * input_wh[1])


def _resizer(config: PipelineConfig) -> Any:
    return architecture_of(config).image_resizer


def _resized(resizer: Any, image_wh: tuple[int, int], *, padded: bool) -> tuple[int, int]:
    kind = resizer.WhichOneof("image_resizer_oneof")
    width, height = image_wh
    if kind == "fixed_shape_resizer":
        return resizer.fixed_shape_resizer.width, resizer.fixed_shape_resizer.height
    if kind == "keep_aspect_ratio_resizer":
        limits = resizer.keep_aspect_ratio_resizer
        if padded and limits.pad_to_max_dimension:
            return limits.max_dimension, limits.max_dimension
        scale = min(limits.min_dimension / min(image_wh), limits.max_dimension / max(image_wh))
        return max(1, round(width * scale)), max(1, round(height * scale))
    if kind == "pad_to_multiple_resizer" and padded:
        multiple = max(resizer.pad_to_multiple_resizer.multiple, 1)
        return -(-width // multiple) * multiple, -(-height // multiple) * multiple
    return image_wh
