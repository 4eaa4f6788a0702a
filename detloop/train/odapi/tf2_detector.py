"""A TF2 model under training as a detector: built for inference, with the weights of one checkpoint after another."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from object_detection import exporter_lib_v2
from object_detection.builders import model_builder

from detloop.engine import OUTPUT_NAMES, RawDetections
from detloop.engine.detections import checked_detections
from detloop.errors import DetloopError


class BatchModule(exporter_lib_v2.DetectionInferenceModule):  # type: ignore[misc]
    """Detects in uint8 [n, height, width, 3]; the API's own module takes one image only."""

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8)])  # type: ignore[untyped-decorator]
    def __call__(self, input_tensor: Any) -> Any:
        images, true_shapes = self._preprocess_input(input_tensor, lambda image: image)
        detections = self._run_inference_on_images(images, true_shapes)
        return {name: detections[name] for name in OUTPUT_NAMES}


class Tf2Detector:
    """The config's model built for inference; an `Engine` once weights are loaded.

    Attributes:
        module: what is saved as a SavedModel.
        function: its concrete function.
    """

    max_batch_size = None

    def __init__(self, config: Any) -> None:
        self._model = model_builder.build(config.model, is_training=False)
        self.module = BatchModule(self._model)
        self.function: Any = None

    def load(self, checkpoint: Path) -> None:
        """Takes the weights of a checkpoint, given by its prefix.

        Raises:
            DetloopError: the checkpoint is not one of this model.
        """
        tf.keras.backend.set_learning_phase(0)
        try:
            status = tf.train.Checkpoint(model=self._model).restore(str(checkpoint)).expect_partial()
            self.function = self.function or self.module.__call__.get_concrete_function()
            status.assert_existing_objects_matched()
        except (tf.errors.OpError, AssertionError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise DetloopError(f"{checkpoint}: not a checkpoint of this config's model: {reason}") from None

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """The outputs for uint8 [n, height, width, 3] by name."""
        return {name: tensor.numpy() for name, tensor in self.module(images).items()}

    def detect(self, images: np.ndarray) -> RawDetections:
        """Detects in uint8 [n, height, width, 3]; see `Engine`."""
        return checked_detections(self.run(images), len(images))

    def close(self) -> None:
        """Nothing is held that Python does not free."""
