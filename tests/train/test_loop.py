"""The training loop with a trainer whose losses are known."""

import csv
import math
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from detloop.errors import DetloopError
from detloop.train.loop import LOG_COLUMNS, run_training
from detloop.train.trainer import StepResult


class FallingLoss:
    """A trainer whose loss is 100 / step; from `nan_at` on it is not a number."""

    warm_start = None

    def __init__(self, folder: Path, step: int = 0, nan_at: int = 10**9) -> None:
        self.folder, self.step, self.nan_at = folder, step, nan_at
        self.saved: list[int] = []

    def train_step(self) -> StepResult:
        self.step += 1
        loss = math.nan if self.step >= self.nan_at else 100 / self.step
        return StepResult(loss, {"classification_loss": loss / 2}, learning_rate=0.1)

    def save(self) -> Path:
        self.saved.append(self.step)
        return self.folder / f"model.ckpt-{self.step}"

    def close(self) -> None: ...


def logged_steps(folder: Path) -> list[int]:
    with (folder / "training_log.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert tuple(rows[0]) == LOG_COLUMNS
    return [int(row[0]) for row in rows[1:]]


def test_checkpoints_come_regularly_and_at_the_end(tmp_path):
    trainer = FallingLoss(tmp_path)
    result = run_training(trainer, steps=25, batch_size=4, checkpoint_every=10, folder=tmp_path)
    assert trainer.saved == [10, 20, 25]
    assert result.checkpoint.name == "model.ckpt-25"
    assert result.steps == 25
    assert result.first_loss > result.last_loss
    assert logged_steps(tmp_path) == list(range(1, 26))


def test_the_last_step_is_not_saved_twice(tmp_path):
    trainer = FallingLoss(tmp_path)
    run_training(trainer, steps=20, batch_size=4, checkpoint_every=10, folder=tmp_path)
    assert trainer.saved == [10, 20]


def test_a_resumed_log_drops_the_steps_after_the_checkpoint(tmp_path):
    run_training(FallingLoss(tmp_path), steps=17, batch_size=4, checkpoint_every=10, folder=tmp_path)
    run_training(FallingLoss(tmp_path, step=10), steps=20, batch_size=4, checkpoint_every=10, folder=tmp_path)
    assert logged_steps(tmp_path) == list(range(1, 21))


def test_a_finished_training_is_only_written_down(tmp_path):
    trainer = FallingLoss(tmp_path, step=20)
    result = run_training(trainer, steps=20, batch_size=4, checkpoint_every=10, folder=tmp_path)
    assert result.steps == 0
    assert math.isnan(result.first_loss)
    assert trainer.saved == [20]


def test_tensorboard_gets_loss_rate_and_speed(tmp_path):
    run_training(FallingLoss(tmp_path), steps=5, batch_size=4, checkpoint_every=10, folder=tmp_path)
    events = EventAccumulator(str(tmp_path / "events")).Reload()
    assert set(events.Tags()["scalars"]) == {
        "loss/total_loss",
        "loss/classification_loss",
        "learning_rate",
        "images_per_second",
    }
    losses = events.Scalars("loss/total_loss")
    assert [event.step for event in losses] == [1, 2, 3, 4, 5]
    assert [event.value for event in losses] == pytest.approx([100, 50, 100 / 3, 25, 20])


def test_a_loss_that_is_no_number_stops_training(tmp_path):
    with pytest.raises(DetloopError, match=r"the loss is nan at step 3 .*lower the learning rate"):
        run_training(FallingLoss(tmp_path, nan_at=3), steps=5, batch_size=4, checkpoint_every=10, folder=tmp_path)
