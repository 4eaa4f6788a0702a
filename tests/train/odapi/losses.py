"""What reaches the anchors of one image: the gradient of the API's losses, in a process that holds one generation.

`python -m tests.train.odapi.losses GENERATION FOLDER` prints, for each case, the gradient of the loss at each anchor's
class scores as JSON. The models are built from configs; their networks are left out: the scores are all equal.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from detloop.train.odapi.config import architecture_of, read_config, set_fields
from detloop.train.odapi.runtime import load_api

# ymin, xmin, ymax, xmax.
OBJECT, OTHER_OBJECT = (0.1, 0.1, 0.3, 0.3), (0.4, 0.1, 0.6, 0.3)
UNCERTAIN, UNCERTAIN_OVER_OTHER, SMALL_UNCERTAIN = (
    (0.6, 0.6, 0.8, 0.8),
    (0.42, 0.1, 0.62, 0.3),
    (0.1, 0.7, 0.14, 0.74),
)
ANCHORS = {
    "object": OBJECT,
    "other object": OTHER_OBJECT,
    "other object, nearer to an uncertain box": UNCERTAIN_OVER_OTHER,
    "uncertain": (0.61, 0.6, 0.81, 0.8),
    "beside the uncertain": (0.7, 0.73, 0.9, 0.93),
    "best for the small uncertain": (0.05, 0.65, 0.2, 0.8),
    "empty": (0.85, 0.05, 0.95, 0.2),
    "empty too": (0.85, 0.25, 0.95, 0.4),
    "as empty": (0.35, 0.5, 0.45, 0.7),
}
OBJECTS = [OBJECT, OTHER_OBJECT]
UNCERTAIN_BOXES = [UNCERTAIN, UNCERTAIN_OVER_OTHER, SMALL_UNCERTAIN]
GROUND_TRUTHS: dict[str, tuple[list[Any], list[float]]] = {
    "objects": (OBJECTS, [1.0, 1.0]),
    "objects and uncertain": ([*OBJECTS, *UNCERTAIN_BOXES], [1.0, 1.0, 0.0, 0.0, 0.0]),
    "objects by score": (OBJECTS, [1.0, 0.25]),
    "nothing": ([], []),
}
MINER = "model.ssd.loss.hard_example_miner"
MINED = [f"{MINER}.num_hard_examples=100", f"{MINER}.iou_threshold=0.99", f"{MINER}.loss_type=CLASSIFICATION"]
MINED += [f"{MINER}.max_negatives_per_positive=1"]
MINED += ["model.ssd.loss.classification_loss.weighted_sigmoid.anchorwise_output=true"]


def gradients(generation: str, loss_of: Callable[[Any], Any], scores: np.ndarray) -> tuple[float, np.ndarray]:
    """A loss and its gradient at the scores."""
    import tensorflow as tf

    if generation == "tf1":
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            constant = tf.constant(scores)
            loss = loss_of(constant)
            return session.run([loss, tf.compat.v1.gradients(loss, constant)[0]])
    with tf.GradientTape() as tape:
        variable = tf.Variable(scores)
        loss = loss_of(variable)
    return float(loss), tape.gradient(loss, variable).numpy()


def built(config_file: Path, settings: list[str]) -> Any:
    from object_detection.builders import model_builder

    config = read_config(config_file)
    set_fields(config, settings)
    architecture_of(config).num_classes = 1
    return model_builder.build(config.model, is_training=True)


def ground_truth(model: Any, name: str) -> None:
    import tensorflow as tf

    boxes, weights = GROUND_TRUTHS[name]
    model.provide_groundtruth(
        groundtruth_boxes_list=[tf.constant(np.array(boxes, np.float32).reshape(-1, 4))],
        groundtruth_classes_list=[tf.ones([len(boxes), 1])],
        groundtruth_weights_list=[tf.constant(np.array(weights, np.float32))],
    )


def anchors() -> Any:
    import tensorflow as tf

    return tf.constant(list(ANCHORS.values()), tf.float32)


def ssd(generation: str, folder: Path, truth: str, settings: list[str]) -> Any:
    """SSD's classification loss, with the config's own sigmoid focal loss or a hard example miner."""

    def loss_of(scores: Any) -> Any:
        import tensorflow as tf
        from object_detection.core.box_list import BoxList

        model = built(folder / f"{generation}.config", settings)
        model._anchors = BoxList(anchors())
        ground_truth(model, truth)
        encodings = tf.zeros((1, len(ANCHORS), 4))
        predictions = {"box_encodings": encodings, "class_predictions_with_background": scores}
        losses = model.loss(predictions, None)
        return losses["Loss/classification_loss"]

    loss, gradient = gradients(generation, loss_of, np.zeros((1, len(ANCHORS), 2), np.float32))
    return {"loss": float(loss), "gradient": gradient[0, :, 1].tolist()}


def faster_rcnn(folder: Path, generation: str) -> Any:
    stage = "model.faster_rcnn.second_stage"
    settings = [f"{stage}_batch_size={len(ANCHORS)}", f"{stage}_balance_fraction=1.0"]
    return built(folder / f"{generation}-faster.config", settings)


def rpn(generation: str, folder: Path, truth: str, settings: list[str]) -> Any:
    """The first stage's objectness loss."""

    def loss_of(scores: Any) -> Any:
        import tensorflow as tf

        model = faster_rcnn(folder, generation)
        ground_truth(model, truth)
        boxes, classes, _, weights = model._format_groundtruth_data(np.array([[1, 1, 3]], np.int32))
        encodings = tf.zeros((1, len(ANCHORS), 4))
        losses = model._loss_rpn(encodings, scores, anchors(), boxes, classes, weights)
        return losses["Loss/RPNLoss/objectness_loss"]

    loss, gradient = gradients(generation, loss_of, np.zeros((1, len(ANCHORS), 2), np.float32))
    return {"loss": float(loss), "gradient": gradient[0, :, 1].tolist()}


def second_stage(generation: str, folder: Path, truth: str, settings: list[str]) -> Any:
    """The second stage's classification loss on proposals that lie where the anchors do."""

    def loss_of(scores: Any) -> Any:
        import tensorflow as tf

        model = faster_rcnn(folder, generation)
        ground_truth(model, truth)
        boxes, classes, _, weights = model._format_groundtruth_data(np.array([[1, 1, 3]], np.int32))
        encodings = tf.zeros((len(ANCHORS), 1, 4))
        count = tf.constant([len(ANCHORS)])
        losses = model._loss_box_classifier(
            encodings, scores, anchors()[tf.newaxis], count, boxes, classes, weights, None
        )
        return losses["Loss/BoxClassifierLoss/classification_loss"]

    loss, gradient = gradients(generation, loss_of, np.zeros((len(ANCHORS), 2), np.float32))
    return {"loss": float(loss), "gradient": gradient[:, 1].tolist()}


def sampled(generation: str, folder: Path, truth: str, settings: list[str]) -> Any:
    """Which proposals the second stage draws its batch from: all that may be drawn fit into it."""
    import tensorflow as tf

    def drawn() -> Any:
        from object_detection.core.box_list import BoxList

        model = faster_rcnn(folder, generation)
        ground_truth(model, truth)
        boxes, classes, _, weights = model._format_groundtruth_data(np.array([[1, 1, 3]], np.int32))
        proposals = BoxList(anchors())
        proposals.add_field("scores", tf.ones(len(ANCHORS)))
        sample = model._sample_box_classifier_minibatch_single_image(
            proposals, len(ANCHORS), boxes[0], classes[0], weights[0]
        )
        return sample.get()

    if generation == "tf1":
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            rows = session.run(drawn())
    else:
        rows = drawn().numpy()
    return {"sampled": [any(np.allclose(row, anchor) for row in rows) for anchor in ANCHORS.values()]}


CASES: dict[str, tuple[Callable[[str, Path, str, list[str]], Any], list[str]]] = {
    "ssd": (ssd, []),
    "ssd, mined": (ssd, MINED),
    "rpn": (rpn, []),
    "second stage": (second_stage, []),
    "sampled": (sampled, []),
}

if __name__ == "__main__":
    api, where = sys.argv[1:]
    load_api(api)
    print(
        json.dumps(
            {
                name: {truth: case(api, Path(where), truth, settings) for truth in GROUND_TRUTHS}
                for name, (case, settings) in CASES.items()
            }
        )
    )
