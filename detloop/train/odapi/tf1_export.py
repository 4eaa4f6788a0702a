"""Export of the API's TF1 models: a checkpoint as a frozen graph and as a SavedModel."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf
from object_detection import exporter
from object_detection.builders import model_builder

from detloop.engine import OUTPUT_NAMES
from detloop.engine.tensorflow_engine import open_session
from detloop.errors import DetloopError

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
    with tf.Graph().as_default() as graph, open_session(graph) as session:
        model = model_builder.build(config.model, is_training=False)
        outputs, placeholders = exporter.build_detection_graph(
            "image_tensor", model, input_shape=None, output_collection_name=None, graph_hook_fn=None
        )
        outputs = {name: outputs[name] for name in OUTPUT_NAMES}
        _restore(session, checkpoint)
        detected = [session.run(outputs, {placeholders["inputs"]: image[np.newaxis]}) for image in images]
        frozen = tf.graph_util.convert_variables_to_constants(
            session, graph.as_graph_def(add_shapes=True), list(OUTPUT_NAMES)
        )
    if "frozen_graph" in formats:
        (folder / "frozen_inference_graph.pb").write_bytes(frozen.SerializeToString())
    if "saved_model" in formats:
        exporter.write_saved_model(str(folder / "saved_model"), frozen, placeholders, outputs)
    return detected


def _restore(session: Any, checkpoint: Path) -> None:
    variables = [variable for variable in tf.global_variables() if variable.op.name != "global_step"]
    try:
        tf.train.Saver(variables).restore(session, str(checkpoint))
    except (tf.errors.OpError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DetloopError(f"{checkpoint}: not a checkpoint of this config's model: {reason}") from None
    session.run(tf.tables_initializer())
