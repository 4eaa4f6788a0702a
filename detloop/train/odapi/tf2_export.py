"""Export of the API's TF2 models: a checkpoint as a SavedModel that takes batches."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from object_detection import exporter_lib_v2
from object_detection.builders import model_builder

from detloop.engine import OUTPUT_NAMES
from detloop.errors import DetloopError

Outputs = dict[str, np.ndarray]


class _BatchModule(exporter_lib_v2.DetectionInferenceModule):  # type: ignore[misc]
    """Detects in uint8 [n, height, width, 3]; the API's own module takes one image only."""

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8)])  # type: ignore[untyped-decorator]
    def __call__(self, input_tensor: Any) -> Any:
        images, true_shapes = self._preprocess_input(input_tensor, lambda image: image)
        detections = self._run_inference_on_images(images, true_shapes)
        return {name: detections[name] for name in OUTPUT_NAMES}


def write_tf2_export(
    config: Any, checkpoint: Path, folder: Path, formats: tuple[str, ...], images: list[np.ndarray]
) -> list[Outputs]:
    """Writes the SavedModel into `folder` and gives what the restored checkpoint itself detects in the images.

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
    model = model_builder.build(config.model, is_training=False)
    try:
        status = tf.train.Checkpoint(model=model).restore(str(checkpoint)).expect_partial()
        module = _BatchModule(model)
        function = module.__call__.get_concrete_function()
        status.assert_existing_objects_matched()
    except (tf.errors.OpError, AssertionError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DetloopError(f"{checkpoint}: not a checkpoint of this config's model: {reason}") from None
    detected = [{name: tensor.numpy() for name, tensor in module(image[np.newaxis]).items()} for image in images]
    tf.saved_model.save(module, str(folder / "saved_model"), signatures=function)
    return detected
