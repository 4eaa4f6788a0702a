"""Export of the API's TF2 models: a checkpoint as a SavedModel that takes batches."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tf_keras.src.saving.legacy.saved_model.utils import keras_option_scope

from detloop.errors import DetloopError
from detloop.train.odapi.tf2_detector import Tf2Detector

Outputs = dict[str, np.ndarray]


def write_tf2_export(
    config: Any, checkpoint: Path, folder: Path, formats: tuple[str, ...], images: list[np.ndarray]
) -> list[Outputs]:
    """Writes the SavedModel into `folder` and gives what the restored checkpoint itself detects in the images.

    It holds the detection function alone: Keras would also trace every layer, for a model that trains on, which takes
    four times as long.

    Args:
        config: the TrainEvalPipelineConfig message.
        checkpoint: prefix of an object-based checkpoint.
        formats: ("saved_model",); the others are of TF1 models.
        images: uint8 [height, width, 3] each.

    Raises:
        DetloopError: the checkpoint is not one of this model, or a frozen graph is asked for.
    """
    if "frozen_graph" in formats:
        raise DetloopError("--format frozen_graph: TF2 models have no frozen graph; export saved_model")
    detector = Tf2Detector(config)
    detector.load(checkpoint)
    detected = [detector.run(image[np.newaxis]) for image in images]
    with keras_option_scope(save_traces=False):
        tf.saved_model.save(detector.module, str(folder / "saved_model"), signatures=detector.function)
    return detected
