"""What is told of every training step: training_log.csv and TensorBoard's event file."""

import csv
import time
from pathlib import Path
from types import TracebackType

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from detloop.train.evaluation import Evaluated
from detloop.train.trainer import StepResult

LOG_NAME = "training_log.csv"
LOG_COLUMNS = ("step", "loss", "learning_rate", "images_per_second")


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
        self._add_event(step, figures)

    def write_evaluation(self, evaluated: Evaluated) -> None:
        """Adds an evaluation's figures to TensorBoard's event file."""
        figures = {f"evaluation/{name}": value for name, value in evaluated.figures.items() if value is not None}
        self._add_event(evaluated.step, figures)

    def _add_event(self, step: int, figures: dict[str, float]) -> None:
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
