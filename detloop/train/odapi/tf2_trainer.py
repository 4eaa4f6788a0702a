"""Training of the API's TF2 models (Keras networks, object-based checkpoints)."""

import re
from pathlib import Path
from typing import Any

import tensorflow as tf
from object_detection import model_lib, model_lib_v2
from object_detection.builders import model_builder, optimizer_builder

from detloop.errors import DetloopError
from detloop.train.odapi.input_pipeline import IMAGE_NAME, image_names, training_batches
from detloop.train.odapi.tf2_weights import load_object_weights
from detloop.train.odapi.weights import WarmStart, is_object_based
from detloop.train.trainer import StepResult, TrainingStart

CHECKPOINT_NAME = "ckpt"
_ANY_IMAGE_SHAPE = (1, 320, 320, 3)


class Tf2Trainer:
    """One training: its model, its optimizer and the step it has come to.

    On several GPUs each trains on its share of the batch, with the same weights.
    """

    def __init__(self, start: TrainingStart, devices: list[str] | None = None) -> None:
        config, checkpoint, resume_from = start.config, start.checkpoint, start.resume_from
        train = config.train_config
        self.step = start.step
        self._strategy = _strategy(devices)
        self._unpad, self._regularize = train.unpad_groundtruth_tensors, train.add_regularization_loss
        self._trained, self._frozen = list(train.update_trainable_variables), list(train.freeze_variables)
        self._clip_norm = train.gradient_clipping_by_norm or None
        tf.random.set_seed(self.step)
        with self._strategy.scope():
            self._build(config, start.records, needs_variables=checkpoint is not None)
            self.warm_start = self._start_from(config, checkpoint) if checkpoint and not resume_from else None
            state = tf.train.Checkpoint(step=self._step_variable, model=self._model, optimizer=self._optimizer)
            self._manager = tf.train.CheckpointManager(
                state, str(start.folder), start.kept_checkpoints, checkpoint_name=CHECKPOINT_NAME
            )
            if resume_from is not None:
                state.restore(str(resume_from))
                self._swap_averages()
            else:
                for average, weight in self._averages:
                    average.assign(weight)
        self._batches = iter(self._dataset)
        self._train_on = tf.function(self._train_on_batch)

    def _build(self, config: Any, records: list[Path], needs_variables: bool) -> None:
        train, replicas = config.train_config, self._strategy.num_replicas_in_sync
        if train.batch_size % replicas:
            raise DetloopError(
                f"a batch of {train.batch_size} images cannot be shared by {replicas} GPUs; give a multiple"
            )
        if train.use_bfloat16:
            tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
        self._model = model_builder.build(config.model, is_training=True)
        self._dataset = self._strategy.distribute_datasets_from_function(
            lambda context: training_batches(
                config, self._model, records, self.step, context.get_per_replica_batch_size(train.batch_size)
            )
        )
        self._step_variable = tf.Variable(
            self.step,
            trainable=False,
            dtype=tf.int64,
            name="global_step",
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )
        self._optimizer, (self._learning_rate,) = optimizer_builder.build(
            train.optimizer, global_step=self._step_variable
        )
        if needs_variables or train.use_bfloat16 or train.optimizer.use_moving_average:
            _create_variables(self._model)
        tf.keras.mixed_precision.set_global_policy("float32")
        self._averages: list[tuple[Any, Any]] = []
        if train.optimizer.use_moving_average:
            self._optimizer.shadow_copy(self._model)
            self._averages = list(zip(self._optimizer._average_weights, self._optimizer._model_weights, strict=True))

    def _start_from(self, config: Any, checkpoint: Path) -> WarmStart | str:
        train = config.train_config
        if checkpoint.suffix == ".pb" or not is_object_based(checkpoint):
            raise DetloopError(f"{checkpoint}: TF1 weights cannot start a TF2 (Keras) model; give a TF2 checkpoint")
        if train.fine_tune_checkpoint_type != "classification":
            return load_object_weights(self._model, checkpoint)
        objects = self._model.restore_from_objects(fine_tune_checkpoint_type="classification")
        try:
            status = tf.train.Checkpoint(**objects).restore(str(checkpoint))
            status.expect_partial().assert_existing_objects_matched()
        except (AssertionError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise DetloopError(f"{checkpoint}: does not fit this model: {reason}") from None
        return f"started from {checkpoint.name}: classification weights loaded"

    def _swap_averages(self) -> None:
        """Exchanges the weights and their moving averages, so that a checkpoint has the averages where readers look."""
        for average, weight in self._averages:
            value = average.value()
            average.assign(weight.value())
            weight.assign(value)

    def _train_on_batch(self, features: Any, labels: Any) -> tuple[dict[str, Any], Any]:
        rate = self._learning_rate() if callable(self._learning_rate) else self._learning_rate
        losses = self._strategy.run(self._train_on_share, args=(features, labels))
        self._step_variable.assign_add(1)
        total = tf.distribute.ReduceOp.SUM
        return {name: self._strategy.reduce(total, loss, axis=None) for name, loss in losses.items()}, rate

    def _train_on_share(self, features: Any, labels: Any) -> dict[str, Any]:
        """One device's part of a step; source: model_lib_v2.eager_train_step, which knows no frozen variables."""
        self._model._is_training = True
        tf.keras.backend.set_learning_phase(True)
        unstacked = model_lib.unstack_batch(labels, unpad_groundtruth_tensors=self._unpad)
        with tf.GradientTape() as tape:
            losses, _ = model_lib_v2._compute_losses_and_predictions_dicts(
                self._model,
                features,
                unstacked,
                training_step=self._step_variable,
                add_regularization_loss=self._regularize,
            )
            losses = model_lib_v2.normalize_dict(losses, self._strategy.num_replicas_in_sync)
        variables = [one for one in self._model.trainable_variables if self._is_trained(one)]
        gradients = tape.gradient(losses["Loss/total_loss"], variables)
        if self._clip_norm:
            gradients, _ = tf.clip_by_global_norm(gradients, self._clip_norm)
        self._optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return dict(losses)

    def _is_trained(self, variable: Any) -> bool:
        """Whether the config's patterns leave a variable to be trained; they are searched in its name, as in TF1."""
        wanted = not self._trained or any(re.search(pattern, variable.name) for pattern in self._trained)
        return wanted and not any(re.search(pattern, variable.name) for pattern in self._frozen)

    def train_step(self) -> StepResult:
        """Trains on the next batch."""
        features, labels = next(self._batches)
        names = features.pop(IMAGE_NAME)
        fetched, rate = self._train_on(features, labels)
        self.step += 1
        losses = {name.removeprefix("Loss/"): float(loss) for name, loss in fetched.items()}
        shares = self._strategy.experimental_local_results(names)
        images = tuple(name for share in shares for name in image_names(share.numpy()))
        return StepResult(losses.pop("total_loss"), losses, float(rate), images)

    def save(self) -> Path:
        """Writes a checkpoint of this step; its prefix."""
        self._swap_averages()
        path = Path(self._manager.save(checkpoint_number=self.step))
        self._swap_averages()
        return path

    def close(self) -> None:
        """Nothing is held that Python does not free."""


def _create_variables(model: Any) -> None:
    """Has the model's layers create their variables, which they do when they are first used; nothing is computed."""
    model._is_training = False
    tf.keras.backend.set_learning_phase(0)
    image = tf.TensorSpec(_ANY_IMAGE_SHAPE, tf.float32)
    tf.function(lambda images: model.predict(*model.preprocess(images))).get_concrete_function(image)


def _strategy(devices: list[str] | None) -> Any:
    """Mirrored over the devices given, or over all GPUs when there are several."""
    gpus = tf.config.list_logical_devices("GPU")
    if devices or len(gpus) > 1:
        return tf.distribute.MirroredStrategy(devices)
    return tf.distribute.get_strategy()
