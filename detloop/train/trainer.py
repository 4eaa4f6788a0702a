"""What the two generations' trainers have in common: the shape of a step's result and of a trainer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from detloop.train.odapi.checkpoints import step_of

KEPT_CHECKPOINTS = 3


@dataclass(frozen=True)
class TrainingStart:
    """What a trainer starts with.

    Attributes:
        config: the TrainEvalPipelineConfig message, filled in.
        records: the TFRecord files to train on.
        folder: where checkpoints go.
        checkpoint: weights to start from, None for random ones.
        resume_from: a checkpoint of this same training, which counts more than `checkpoint`.
        kept_checkpoints: how many of the newest are kept.
    """

    config: Any
    records: list[Path]
    folder: Path
    checkpoint: Path | None = None
    resume_from: Path | None = None
    kept_checkpoints: int = KEPT_CHECKPOINTS

    @property
    def step(self) -> int:
        """The step the training goes on from; 0 for a new one."""
        return step_of(self.resume_from) if self.resume_from else 0


@dataclass(frozen=True)
class StepResult:
    """What one training step gave.

    Attributes:
        total_loss: the sum that was minimized.
        losses: its parts by name.
        learning_rate: the rate the step was made with.
        image_names: the images of the batch, as their records name them.
    """

    total_loss: float
    losses: dict[str, float]
    learning_rate: float
    image_names: tuple[str, ...] = ()


class Trainer(Protocol):
    """A training that can go on and be written down.

    Attributes:
        step: steps trained so far.
        warm_start: what was loaded to start from; None for a resumed training or one from random weights.
    """

    step: int
    warm_start: Any

    def train_step(self) -> StepResult: ...

    def save(self) -> Path: ...

    def close(self) -> None: ...
