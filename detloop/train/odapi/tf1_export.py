"""Export of the API's TF1 models: a checkpoint as a frozen graph and as a SavedModel."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf
from object_detection import exporter

from detloop.engine import OUTPUT_NAMES
from detloop.engine.model_files import FROZEN_GRAPH_NAME
from detloop.train.odapi.tf1_detector import Tf1Detector

Outputs = dict[str, np.ndarray]


def write_tf1_export(
    config: Any, checkpoint: Path, folder: Path, formats: tuple[str, ...], images: list[np.ndarray]
) -> list[Outputs]:
    """Writes the exports into `folder` and gives what the restored checkpoint itself detects in the images.

    Args:
        config: the TrainEvalPipelineConfig message.
        checkpoint: prefix of a name-based checkpoint.
        formats: of "frozen_graph" and "saved_model".
        images: uint8 [height, width, 3] each.

    Raises:
        DetloopError: the checkpoint is not one of this model.
    """
    detector = Tf1Detector(config)
    detector.load(checkpoint)
    detected = [detector.run(image[np.newaxis]) for image in images]
    graph = detector.session.graph
    with graph.as_default():
        frozen = tf.graph_util.convert_variables_to_constants(
            detector.session, graph.as_graph_def(add_shapes=True), list(OUTPUT_NAMES)
        )
        detector.close()
    if "frozen_graph" in formats:
        (folder / FROZEN_GRAPH_NAME).write_bytes(frozen.SerializeToString())
    if "saved_model" in formats:
        with graph.as_default():
            exporter.write_saved_model(
                str(folder / "saved_model"), frozen, {"inputs": detector.image_input}, detector.outputs
            )
    return detected
