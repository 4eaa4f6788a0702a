"""The training loop: steps, checkpoints, and what is told of them on the terminal, in a CSV and to TensorBoard."""

import csv
import math
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from detloop.errors import DetloopError
from detloop.progress import Progress
from detloop.train.trainer import StepResult, Trainer

LOG_NAME = "training_log.csv"
LOG_COLUMNS = ("step", "loss", "learning_rate", "images_per_second")


@dataclass(frozen=True)
class LoopResult:
    """What a run of the loop gave.

    Attributes:
        checkpoint: prefix of the last checkpoint.
        first_loss, last_loss: medians of the total loss over the first and last tenth of this run's steps; NaN
            without a step.
        images_per_second: median over this run's steps.
    """

    checkpoint: Path
    steps: int
    first_loss: float
    last_loss: float
    images_per_second: float


def run_training(trainer: Trainer, steps: int, batch_size: int, checkpoint_every: int, folder: Path) -> LoopResult:
    """Trains until `steps` are reached, writing a checkpoint every so many steps and at the end.

    Raises:
        DetloopError: the loss is no longer a number.
    """
    losses, rates, saved, first_step = [], [], None, trainer.step
    with (
        Progress("train", total=steps, unit="steps", start=first_step) as progress,
        TrainingLog(folder, first_step) as log,
    ):
        while trainer.step < steps:
            began = time.monotonic()
            result = trainer.train_step()
            rates.append(batch_size / (time.monotonic() - began))
            losses.append(_checked_loss(result, trainer.step))
            log.write(trainer.step, result, rates[-1])
            figures = {"loss": f"{result.total_loss:.3f}", "lr": f"{result.learning_rate:.2g}"}
            progress.update(1, **figures, **{"images/s": f"{rates[-1]:.1f}"})
            saved = trainer.save() if trainer.step % checkpoint_every == 0 else None
    tenth = max(len(losses) // 10, 1)
    return LoopResult(
        checkpoint=saved or trainer.save(),
        steps=trainer.step - first_step,
        first_loss=_median(losses[:tenth]),
        last_loss=_median(losses[-tenth:]),
        images_per_second=_median(rates),
    )


def _checked_loss(result: StepResult, step: int) -> float:
    if not math.isfinite(result.total_loss):
        parts = ", ".join(f"{name} {loss:g}" for name, loss in result.losses.items())
        raise DetloopError(f"the loss is {result.total_loss} at step {step} ({parts}); lower the learning rate")
    return result.total_loss


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2] if values else math.nan


class TrainingLog:
    """Appends every step to training_log.csv and to TensorBoard's event file.

    Rows of steps beyond the one that training goes on from, made after the last checkpoint of a killed run, are cut.
    """

    def __init__(self, folder: Path, first_step: int) -> None:
        path = folder / LOG_NAME
        kept = _rows_up_to(path, first_step) if first_step else []
        self._file = path.open("w", newline="", encoding="utf-8")
        self._rows = csv.writer(self._file)
        self._rows.writerows([LOG_COLUMNS, *kept])
        self._events = EventFileWriter(str(folder / "events"))

    def write(self, step: int, result: StepResult, images_per_second: float) -> None:
        self._rows.writerow(
            [step, f"{result.total_loss:.6f}", f"{result.learning_rate:.6g}", f"{images_per_second:.2f}"]
        )
        self._file.flush()
        figures = {"loss/total_loss": result.total_loss, "learning_rate": result.learning_rate}
        figures |= {f"loss/{name}": loss for name, loss in result.losses.items()}
        figures["images_per_second"] = images_per_second
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in figures.items()]
        self._events.add_event(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))

    def __enter__(self) -> "TrainingLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._events.close()


def _rows_up_to(path: Path, step: int) -> list[list[str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if len(row) == len(LOG_COLUMNS) and row[0].isdigit()]
    return [row for row in rows if int(row[0]) <= step]
