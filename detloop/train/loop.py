"""The training loop: steps, checkpoints, evaluations, and the reasons to stop."""

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

from detloop.errors import DetloopError, InterruptionError
from detloop.progress import Progress
from detloop.store import write_file_whole
from detloop.train.evaluation import TrainingEvaluations
from detloop.train.interruption import StopRequest
from detloop.train.log import TrainingLog
from detloop.train.trainer import StepResult, Trainer

BAD_BATCH_NAME = "bad_batch.json"
SHOWN_IMAGES = 3


@dataclass(frozen=True)
class LoopResult:
    """What a run of the loop gave.

    Attributes:
        checkpoint: prefix of the last checkpoint.
        steps: steps of this run.
        first_loss, last_loss: medians of the total loss over the first and last tenth of this run's steps; NaN
            without a step.
        images_per_second: median over this run's steps.
        gave_up: whether training stopped early because the evaluations no longer became better.
    """

    checkpoint: Path
    steps: int
    first_loss: float
    last_loss: float
    images_per_second: float
    gave_up: bool


class TrainingRun:
    """One run of the loop over a trainer, until `steps` are reached or there is a reason to stop."""

    def __init__(
        self,
        trainer: Trainer,
        folder: Path,
        *,
        steps: int,
        batch_size: int,
        checkpoint_every: int,
        resumed_from: Path | None = None,
        evaluations: TrainingEvaluations | None = None,
        stop: StopRequest | None = None,
    ) -> None:
        self._trainer, self._folder, self._evaluations = trainer, folder, evaluations
        self._steps, self._batch_size, self._checkpoint_every = steps, batch_size, checkpoint_every
        self._stop = stop or StopRequest()
        self._losses: list[float] = []
        self._rates: list[float] = []
        self._saved = (trainer.step, resumed_from) if resumed_from else None

    def run(self) -> LoopResult:
        """Trains, with a checkpoint every so many steps and at the end.

        Raises:
            DetloopError: the loss is no longer a number; the batch is in bad_batch.json.
            InterruptionError: a signal asked to stop; the last step is in a checkpoint.
        """
        first_step, gave_up = self._trainer.step, False
        with (
            self._stop.deferred(),
            Progress("train", total=self._steps, unit="steps", start=first_step) as progress,
            TrainingLog(self._folder, first_step) as log,
        ):
            while True:
                gave_up = self._evaluations is not None and self._evaluate(self._evaluations, log)
                if gave_up or self._trainer.step >= self._steps:
                    break
                self._train_step(log, progress)
                if self._trainer.step % self._checkpoint_every == 0:
                    self._save()
                if self._stop.signal_name:
                    raise self._interrupted()
            checkpoint = self._save()
        tenth = max(len(self._losses) // 10, 1)
        return LoopResult(
            checkpoint=checkpoint,
            steps=self._trainer.step - first_step,
            first_loss=_median(self._losses[:tenth]),
            last_loss=_median(self._losses[-tenth:]),
            images_per_second=_median(self._rates),
            gave_up=gave_up,
        )

    def _train_step(self, log: TrainingLog, progress: Progress) -> None:
        began = time.monotonic()
        result = self._trainer.train_step()
        rate = self._batch_size / (time.monotonic() - began)
        if not math.isfinite(result.total_loss):
            raise self._bad_batch(result)
        self._losses.append(result.total_loss)
        self._rates.append(rate)
        log.write(self._trainer.step, result, rate)
        figures = {"loss": f"{result.total_loss:.3f}", "lr": f"{result.learning_rate:.2g}"}
        progress.update(1, **figures, **{"images/s": f"{rate:.1f}"})

    def _evaluate(self, evaluations: TrainingEvaluations, log: TrainingLog) -> bool:
        """Evaluates where it is due; whether it has been in vain for long enough."""
        if evaluations.is_due(self._trainer.step):
            checkpoint = self._save()
            with self._stop.at_once():
                evaluated = evaluations.evaluate(self._trainer.step, checkpoint)
            log.write_evaluation(evaluated)
        return evaluations.has_waited_enough()

    def _save(self) -> Path:
        """Writes a checkpoint of this step, unless it has one."""
        if self._saved is None or self._saved[0] != self._trainer.step:
            self._saved = self._trainer.step, self._trainer.save()
        return self._saved[1]

    def _interrupted(self) -> InterruptionError:
        checkpoint = self._save()
        return InterruptionError(
            f"stopped by {self._stop.signal_name} at step {self._trainer.step}; {checkpoint} is written, and the same"
            " command goes on from it"
        )

    def _bad_batch(self, result: StepResult) -> DetloopError:
        path, step = self._folder / BAD_BATCH_NAME, self._trainer.step
        losses = {name: str(loss) for name, loss in {"total_loss": result.total_loss, **result.losses}.items()}
        with write_file_whole(path) as partial:
            content = {"step": step, "losses": losses, "images": result.image_names}
            partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        parts = ", ".join(f"{name} {loss:g}" for name, loss in result.losses.items())
        shown = ", ".join(result.image_names[:SHOWN_IMAGES]) + (
            ", ..." if len(result.image_names) > SHOWN_IMAGES else ""
        )
        return DetloopError(
            f"the loss is {result.total_loss} at step {step} ({parts}), on {shown}; {path} lists the batch; lower the"
            " learning rate, clip the gradients, or look at these images' boxes"
        )


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2] if values else math.nan
