"""A TF1 model under training as a detector: its inference graph, with the weights of one checkpoint after another."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf
from object_detection import exporter
from object_detection.builders import model_builder

from detloop.engine import OUTPUT_NAMES, RawDetections
from detloop.engine.detections import checked_detections
from detloop.engine.tensorflow_engine import open_session
from detloop.errors import DetloopError


class Tf1Detector:
    """The config's model in a graph of its own, built for inference; an `Engine` once weights are loaded.

    Attributes:
        session: of that graph.
        image_input: the placeholder for uint8 [n, height, width, 3].
        outputs: the tensors of `OUTPUT_NAMES`.
    """

    max_batch_size = None

    def __init__(self, config: Any) -> None:
        with tf.Graph().as_default() as graph:
            self.session = open_session(graph)
            model = model_builder.build(config.model, is_training=False)
            outputs, placeholders = exporter.build_detection_graph(
                "image_tensor", model, input_shape=None, output_collection_name=None, graph_hook_fn=None
            )
            self.image_input = placeholders["inputs"]
            self.outputs = {name: outputs[name] for name in OUTPUT_NAMES}
            self._saver = tf.train.Saver([one for one in tf.global_variables() if one.op.name != "global_step"])
            self.session.run(tf.tables_initializer())

    def load(self, checkpoint: Path) -> None:
        """Takes the weights of a checkpoint, given by its prefix.

        Raises:
            DetloopError: the checkpoint is not one of this model.
        """
        try:
            self._saver.restore(self.session, str(checkpoint))
        except (tf.errors.OpError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise DetloopError(f"{checkpoint}: not a checkpoint of this config's model: {reason}") from None

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """The outputs for uint8 [n, height, width, 3] by name."""
        return dict(self.session.run(self.outputs, {self.image_input: images}))

    def detect(self, images: np.ndarray) -> RawDetections:
        """Detects in uint8 [n, height, width, 3]; see `Engine`."""
        return checked_detections(self.run(images), len(images))

    def close(self) -> None:
        self.session.close()
