"""Training of the API's TF1 models (slim networks, graph mode, name-based checkpoints)."""

from pathlib import Path
from typing import Any

import tensorflow.compat.v1 as tf
import tf_slim as slim
from object_detection import model_lib
from object_detection.builders import model_builder, optimizer_builder
from object_detection.core import standard_fields
from object_detection.utils import ops

from detloop.engine.tensorflow_engine import open_session
from detloop.train.odapi.input_pipeline import IMAGE_NAME, image_names, training_batches
from detloop.train.odapi.weights import NamedWeights, WarmStart, load_into_variables, read_named_weights
from detloop.train.trainer import StepResult, TrainingStart

CHECKPOINT_NAME = "model.ckpt"


class Tf1Trainer:
    """One training: its graph, its session and the step it has come to."""

    def __init__(self, start: TrainingStart) -> None:
        config, self._folder = start.config, start.folder
        self._graph = tf.Graph()
        with self._graph.as_default():
            tf.set_random_seed(start.step)
            model = model_builder.build(config.model, is_training=True)
            self._step_tensor = tf.train.get_or_create_global_step()
            iterator = tf.data.make_initializable_iterator(training_batches(config, model, start.records, start.step))
            features, labels = iterator.get_next()
            losses = _losses(config, model, features, labels)
            optimizer, (learning_rate,) = optimizer_builder.build(config.train_config.optimizer)
            train_op = _train_op(config, model, losses["total_loss"], optimizer)
            self._fetches = {"train_op": train_op, "losses": losses, "learning_rate": learning_rate}
            self._fetches["names"] = features[IMAGE_NAME]
            open_saver = getattr(optimizer, "swapping_saver", tf.train.Saver)
            self._saver = open_saver(max_to_keep=start.kept_checkpoints, save_relative_paths=True)
            start_averages = optimizer.start_averages() if hasattr(optimizer, "start_averages") else tf.no_op()
            variables_initializer = tf.group(tf.global_variables_initializer(), tf.local_variables_initializer())
            self._session = open_session(self._graph)
            self._session.run([tf.group(tf.tables_initializer(), variables_initializer), iterator.initializer])
            self.warm_start = self._restore(model, start.checkpoint, start.resume_from)
            if start.resume_from is None:
                self._session.run(start_averages)
        self.step = int(self._session.run(self._step_tensor))

    def _restore(self, model: Any, checkpoint: Path | None, resume_from: Path | None) -> WarmStart | None:
        if resume_from is not None:
            self._saver.recover_last_checkpoints([str(path) for path in _checkpoints_in(self._folder)])
            self._saver.restore(self._session, str(resume_from))
            return None
        if checkpoint is None:
            return None
        weights = read_named_weights(checkpoint)
        return load_into_variables(weights, _variables_to_start(model, weights), self._session)

    def train_step(self) -> StepResult:
        """Trains on the next batch."""
        fetched = self._session.run(self._fetches)
        self.step += 1
        losses = {name: float(loss) for name, loss in fetched["losses"].items()}
        return StepResult(
            losses.pop("total_loss"), losses, float(fetched["learning_rate"]), image_names(fetched["names"])
        )

    def save(self) -> Path:
        """Writes a checkpoint of this step; its prefix."""
        path = self._saver.save(self._session, str(self._folder / CHECKPOINT_NAME), self.step, write_meta_graph=False)
        return Path(path)

    def close(self) -> None:
        self._session.close()


def _losses(config: Any, model: Any, features: Any, labels: Any) -> dict[str, Any]:
    """The model's losses, their sum under total_loss; source: object_detection/model_lib.py, create_model_fn."""
    unstacked = model_lib.unstack_batch(labels, unpad_groundtruth_tensors=config.train_config.unpad_groundtruth_tensors)
    model_lib.provide_groundtruth(model, unstacked)
    images, true_shapes = (
        features[standard_fields.InputDataFields.image],
        features[standard_fields.InputDataFields.true_image_shape],
    )
    predictions = _predictions(config, model, images, true_shapes, model.get_side_inputs(features))
    losses = {name.removeprefix("Loss/"): loss for name, loss in model.loss(predictions, true_shapes).items()}
    if config.train_config.add_regularization_loss:
        regularization = [tf.cast(loss, tf.float32) for loss in model.regularization_losses()]
        if regularization:
            losses["regularization_loss"] = tf.add_n(regularization)
    losses["total_loss"] = tf.add_n(list(losses.values()))
    return losses


def _predictions(config: Any, model: Any, images: Any, true_shapes: Any, side_inputs: Any) -> Any:
    """What the model predicts; with use_bfloat16 computed in that type, from variables that stay float32."""
    if not config.train_config.use_bfloat16:
        return model.predict(images, true_shapes, **side_inputs)
    with tf.tpu.bfloat16_scope():
        return ops.bfloat16_to_float32_nested(model.predict(images, true_shapes, **side_inputs))


def _train_op(config: Any, model: Any, total_loss: Any, optimizer: Any) -> Any:
    train = config.train_config
    variables = slim.filter_variables(
        tf.trainable_variables(),
        include_patterns=list(train.update_trainable_variables) or None,
        exclude_patterns=list(train.freeze_variables) or None,
    )
    return slim.optimizers.optimize_loss(
        loss=total_loss,
        global_step=tf.train.get_global_step(),
        learning_rate=None,
        clip_gradients=train.gradient_clipping_by_norm or None,
        optimizer=optimizer,
        update_ops=model.updates(),
        variables=variables,
        summaries=[],
        name="",
    )


def _variables_to_start(model: Any, weights: NamedWeights) -> dict[str, Any]:
    """The variables to look up among the weights, by their names there.

    All of the model's, heads included, where the weights are of a detector; those of the feature extractor, under the
    names of a classifier, where they are not.
    """
    own = {variable.op.name: variable for variable in slim.get_model_variables()}
    if any(name in weights.shapes for name in own):
        return own
    return dict(model.restore_map("classification"))


def _checkpoints_in(folder: Path) -> list[Path]:
    state = tf.train.get_checkpoint_state(str(folder))
    return [Path(path) for path in state.all_model_checkpoint_paths] if state else []
