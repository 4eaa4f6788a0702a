"""What a training made, for the terminal and for a pipeline's artifact."""

import math
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BestEvaluation:
    """The best of a training's evaluations.

    Attributes:
        metric: the figure that decided, and its value.
        gave_up: whether the training stopped early because no better one came.
    """

    step: int
    metric: str
    value: float
    gave_up: bool

    def __str__(self) -> str:
        stopped = "; stopped early, since no better one came" if self.gave_up else ""
        return f"best {self.metric} on the valid records {self.value:.3f}, at step {self.step}{stopped}"


@dataclass(frozen=True)
class TrainSummary:
    """What a training made.

    Attributes:
        steps: the step the training has come to.
        resumed_at: the step it went on from, 0 for a new training.
        checkpoint: prefix of the last checkpoint.
        best: the best evaluation made while training; None where there was none.
    """

    feature_extractor: str
    generation: str
    classes: int
    steps: int
    resumed_at: int
    batch_size: int
    first_loss: float
    last_loss: float
    images_per_second: float
    seconds: float
    warm_start: str
    checkpoint: Path
    best: BestEvaluation | None = None

    def __str__(self) -> str:
        lines = [f"{self.feature_extractor} ({self.generation}, {self.classes} classes) trained to step {self.steps}"]
        if self.resumed_at:
            lines[0] += f", resumed at {self.resumed_at}"
        if self.warm_start:
            lines.append(self.warm_start)
        if not math.isnan(self.first_loss):
            lines.append(f"loss {self.first_loss:.3f} -> {self.last_loss:.3f}, {self.images_per_second:.1f} images/s")
        if self.best:
            lines.append(str(self.best))
        return "\n".join([*lines, f"checkpoint {self.checkpoint}, {self.seconds:.1f} s"])

    def metadata(self) -> dict[str, int | float | str]:
        figures: dict[str, int | float | str] = {
            "feature_extractor": self.feature_extractor,
            "generation": self.generation,
            "classes": self.classes,
            "steps": self.steps,
            "batch_size": self.batch_size,
            "seconds": round(self.seconds, 1),
        }
        if not math.isnan(self.first_loss):
            figures |= {
                "first_loss": round(self.first_loss, 4),
                "last_loss": round(self.last_loss, 4),
                "images_per_second": round(self.images_per_second, 1),
            }
        if self.best:
            figures |= {"best_step": self.best.step, "stopped_early": self.best.gave_up}
            figures[f"best_{self.best.metric}"] = round(self.best.value, 4)
        return figures
