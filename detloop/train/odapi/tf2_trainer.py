"""Training of the API's TF2 models (Keras networks, object-based checkpoints)."""

from pathlib import Path
from typing import Any

import tensorflow as tf
from object_detection import model_lib_v2
from object_detection.builders import model_builder, optimizer_builder
from object_detection.protos import train_pb2
from object_detection.utils import config_util

from detloop.errors import DetloopError
from detloop.train.odapi.input_pipeline import training_batches
from detloop.train.odapi.weights import is_object_based
from detloop.train.trainer import KEPT_CHECKPOINTS, StepResult

CHECKPOINT_NAME = "ckpt"


class Tf2Trainer:
    """One training: its model, its optimizer and the step it has come to.

    Starts from `resume_from` (a checkpoint of this same training) or else from `checkpoint`, where given.
    """

    def __init__(
        self, config: Any, records: list[Path], folder: Path, checkpoint: Path | None, resume_from: Path | None
    ) -> None:
        train = config.train_config
        self.step = int(resume_from.name.rpartition("-")[2]) if resume_from else 0
        tf.random.set_seed(self.step)
        self._model = model_builder.build(config.model, is_training=True)
        self._dataset = training_batches(config, self._model, records, seed=self.step)
        self._step_variable = tf.Variable(self.step, trainable=False, dtype=tf.int64, name="global_step")
        self._optimizer, (self._learning_rate,) = optimizer_builder.build(
            train.optimizer, global_step=self._step_variable
        )
        if train.optimizer.use_moving_average:
            model_lib_v2._ensure_model_is_built(self._model, self._dataset, train.unpad_groundtruth_tensors)
            self._optimizer.shadow_copy(self._model)
        self.warm_start = self._start_from(config, checkpoint) if checkpoint and not resume_from else None
        state = tf.train.Checkpoint(step=self._step_variable, model=self._model, optimizer=self._optimizer)
        self._manager = tf.train.CheckpointManager(
            state, str(folder), KEPT_CHECKPOINTS, checkpoint_name=CHECKPOINT_NAME
        )
        if resume_from is not None:
            state.restore(str(resume_from))
        self._batches = iter(self._dataset)
        self._train_on = tf.function(self._train_on_batch)
        self._unpad, self._regularize = train.unpad_groundtruth_tensors, train.add_regularization_loss
        self._clip_norm = train.gradient_clipping_by_norm or None

    def _start_from(self, config: Any, checkpoint: Path) -> str:
        train = config.train_config
        if checkpoint.suffix == ".pb" or not is_object_based(checkpoint):
            raise DetloopError(f"{checkpoint}: TF1 weights cannot start a TF2 (Keras) model; give a TF2 checkpoint")
        config_util.update_fine_tune_checkpoint_type(train)
        try:
            model_lib_v2.load_fine_tune_checkpoint(
                self._model,
                str(checkpoint),
                train.fine_tune_checkpoint_type,
                train_pb2.CheckpointVersion.V2,
                train.run_fine_tune_checkpoint_dummy_computation,
                self._dataset,
                train.unpad_groundtruth_tensors,
            )
        except (AssertionError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise DetloopError(f"{checkpoint}: does not fit this model: {reason}") from None
        return f"started from {checkpoint.name}: {train.fine_tune_checkpoint_type} weights loaded"

    def _train_on_batch(self, features: Any, labels: Any) -> tuple[dict[str, Any], Any]:
        rate = self._learning_rate() if callable(self._learning_rate) else self._learning_rate
        losses = model_lib_v2.eager_train_step(
            self._model,
            features,
            labels,
            self._unpad,
            self._optimizer,
            training_step=self._step_variable,
            add_regularization_loss=self._regularize,
            clip_gradients_value=self._clip_norm,
        )
        self._step_variable.assign_add(1)
        return losses, rate

    def train_step(self) -> StepResult:
        """Trains on the next batch."""
        fetched, rate = self._train_on(*next(self._batches))
        self.step += 1
        losses = {name.removeprefix("Loss/"): float(loss) for name, loss in fetched.items()}
        return StepResult(losses.pop("total_loss"), losses, float(rate))

    def save(self) -> Path:
        """Writes a checkpoint of this step; its prefix."""
        return Path(self._manager.save(checkpoint_number=self.step))

    def close(self) -> None:
        """Nothing is held that Python does not free."""
