"""What the two generations' trainers have in common: the shape of a step's result and of a trainer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

KEPT_CHECKPOINTS = 3


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
