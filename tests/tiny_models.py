"""Detectors that are small but real: they find what is red, green and blue, by a rule that numpy can follow too.

For each of the three colours a detector gives one box: that around all pixels of the colour. A pixel is of a colour
when that channel is above 64 and both others are below 60; the score is the largest value of the channel among these
pixels / 256, 0 where there is none. All numbers are exact in float32 but the box edges, which are one division.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

CHANNEL_ABOVE, OTHERS_BELOW, SCORE_SCALE = 64, 60, 256
COLOR_CLASS_IDS = (1, 2, 3)


def colored_boxes(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the detectors give for one image uint8 [h, w, 3]: float32 boxes [3, 4] and scores [3]."""
    height, width = pixels.shape[:2]
    boxes, scores = np.zeros((3, 4), np.float32), np.zeros(3, np.float32)
    for channel in range(3):
        others = np.delete(pixels, channel, axis=2)
        mask = (pixels[:, :, channel] > CHANNEL_ABOVE) & (others < OTHERS_BELOW).all(axis=2)
        if mask.any():
            ys, xs = np.nonzero(mask)
            edges = np.array([ys.min(), xs.min(), ys.max() + 1, xs.max() + 1], np.float32)
            boxes[channel] = edges / np.array([height, width, height, width], np.float32)
            scores[channel] = pixels[:, :, channel][mask].max() / np.float32(SCORE_SCALE)
    return boxes, scores


def write_frozen_graph(path: Path, class_ids: Sequence[int] = COLOR_CLASS_IDS, without: str = "") -> Path:
    """Writes a frozen graph with image_tensor in and a detector's four outputs, `without` one of these if named."""
    import tensorflow as tf

    graph = tf.Graph()
    with graph.as_default():
        images = tf.compat.v1.placeholder(tf.uint8, [None, None, None, 3], name="image_tensor")
        for name, tensor in _detect(images, class_ids).items():
            if name != without:
                tf.identity(tensor, name=name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def write_saved_model(
    folder: Path, class_ids: Sequence[int] = COLOR_CLASS_IDS, batch_size: int | None = None, without: str = ""
) -> Path:
    """Writes a SavedModel as TF2 exporters do, for any number of images or a fixed one."""
    import tensorflow as tf

    class Detector(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec([batch_size, None, None, 3], tf.uint8, name="input_tensor")])
        def __call__(self, input_tensor: Any) -> dict[str, Any]:
            outputs = _detect(input_tensor, class_ids)
            return {name: tensor for name, tensor in outputs.items() if name != without}

    detector = Detector()
    tf.saved_model.save(detector, str(folder), signatures={"serving_default": detector.__call__})
    return folder


def _detect(images: Any, class_ids: Sequence[int]) -> dict[str, Any]:
    import tensorflow as tf

    shape = tf.shape(images)
    count, height, width = shape[0], shape[1], shape[2]
    values = tf.cast(images, tf.int32)
    red, green, blue = values[..., 0], values[..., 1], values[..., 2]
    others = tf.stack([tf.maximum(green, blue), tf.maximum(red, blue), tf.maximum(red, green)], axis=-1)
    mask = (values > CHANNEL_ABOVE) & (others < OTHERS_BELOW)
    ymin, ymax = _first_and_last(tf.reduce_any(mask, axis=2), height)
    xmin, xmax = _first_and_last(tf.reduce_any(mask, axis=1), width)
    largest = tf.reduce_max(tf.where(mask, values, tf.zeros_like(values)), axis=[1, 2])
    size = tf.cast(tf.stack([height, width, height, width]), tf.float32)
    edges = tf.cast(tf.stack([ymin, xmin, ymax, xmax], axis=-1), tf.float32)
    ids = tf.constant([list(class_ids)], tf.float32)
    return {
        "detection_boxes": edges / size,
        "detection_scores": tf.cast(largest, tf.float32) / SCORE_SCALE,
        "detection_classes": tf.tile(ids, [count, 1]),
        "num_detections": tf.fill([count], tf.constant(len(class_ids), tf.float32)),
    }


def _first_and_last(is_there: Any, length: Any) -> tuple[Any, Any]:
    """Of bool [n, length, 3]: the first true index and the index behind the last, both 0 where none is true."""
    import tensorflow as tf

    index = tf.reshape(tf.range(length), [1, -1, 1])
    behind = tf.reduce_max(tf.where(is_there, index + 1, tf.zeros_like(index)), axis=1)
    first = tf.reduce_min(tf.where(is_there, index, tf.zeros_like(index) + length), axis=1)
    return tf.minimum(first, behind), behind
