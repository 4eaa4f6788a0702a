"""The training loop with a trainer whose losses are known."""

import csv
import json
import math
import signal
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from detloop.errors import DetloopError, InterruptionError
from detloop.evaluate.coco import STAT_NAMES, CocoMetrics
from detloop.train.evaluation import EvaluationPlan, TrainingEvaluations
from detloop.train.interruption import StopRequest
from detloop.train.log import LOG_COLUMNS
from detloop.train.loop import LoopResult, TrainingRun
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
        return StepResult(loss, {"classification_loss": loss / 2}, 0.1, (f"{self.step}.jpg", "b.jpg"))

    def save(self) -> Path:
        self.saved.append(self.step)
        return self.folder / f"model.ckpt-{self.step}"

    def close(self) -> None: ...


def run_training(trainer: FallingLoss, folder: Path, steps: int, **options: Any) -> LoopResult:
    return TrainingRun(trainer, folder, steps=steps, batch_size=4, checkpoint_every=10, **options).run()


def logged_steps(folder: Path) -> list[int]:
    with (folder / "training_log.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert tuple(rows[0]) == LOG_COLUMNS
    return [int(row[0]) for row in rows[1:]]


def test_checkpoints_come_regularly_and_at_the_end(tmp_path):
    trainer = FallingLoss(tmp_path)
    result = run_training(trainer, tmp_path, steps=25)
    assert trainer.saved == [10, 20, 25]
    assert result.checkpoint.name == "model.ckpt-25"
    assert result.steps == 25
    assert result.first_loss > result.last_loss
    assert logged_steps(tmp_path) == list(range(1, 26))


def test_the_last_step_is_not_saved_twice(tmp_path):
    trainer = FallingLoss(tmp_path)
    run_training(trainer, tmp_path, steps=20)
    assert trainer.saved == [10, 20]


def test_a_resumed_log_drops_the_steps_after_the_checkpoint(tmp_path):
    run_training(FallingLoss(tmp_path), tmp_path, steps=17)
    run_training(FallingLoss(tmp_path, step=10), tmp_path, steps=20)
    assert logged_steps(tmp_path) == list(range(1, 21))


def test_a_finished_training_leaves_its_checkpoint_alone(tmp_path):
    trainer, checkpoint = FallingLoss(tmp_path, step=20), tmp_path / "model.ckpt-20"
    measure = KnownAp({20: 0.5})
    (tmp_path / "model.ckpt-20.index").touch()
    evaluations = evaluations_of(tmp_path, measure, steps=20)
    result = run_training(trainer, tmp_path, steps=20, resumed_from=checkpoint, evaluations=evaluations)
    assert (result.steps, result.checkpoint) == (0, checkpoint)
    assert math.isnan(result.first_loss)
    assert measure.measured == [20]
    assert trainer.saved == []


def test_tensorboard_gets_loss_rate_and_speed(tmp_path):
    run_training(FallingLoss(tmp_path), tmp_path, steps=5)
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
    trainer = FallingLoss(tmp_path, nan_at=13)
    with pytest.raises(
        DetloopError, match=r"the loss is nan at step 13 .*on 13\.jpg, b\.jpg; .*lower the learning rate"
    ):
        run_training(trainer, tmp_path, steps=25)
    batch = json.loads((tmp_path / "bad_batch.json").read_text())
    assert (batch["step"], batch["images"]) == (13, ["13.jpg", "b.jpg"])
    assert batch["losses"] == {"total_loss": "nan", "classification_loss": "nan"}
    assert trainer.saved == [10]
    assert logged_steps(tmp_path) == list(range(1, 13))


def metrics_of(ap: float | None) -> CocoMetrics:
    return CocoMetrics(dict.fromkeys(STAT_NAMES, ap), per_class=(), images=3, unmeasured_boxes=0, unmeasured_images=0)


class KnownAp:
    """Measures checkpoints whose AP is known by their step."""

    def __init__(self, ap_of_step: dict[int, float | None]) -> None:
        self.ap_of_step, self.measured = ap_of_step, []

    def __call__(self, checkpoint: Path) -> CocoMetrics:
        self.measured.append(int(checkpoint.name.rpartition("-")[2]))
        return metrics_of(self.ap_of_step[self.measured[-1]])


class SavingTrainer(FallingLoss):
    def save(self) -> Path:
        path = super().save()
        path.with_name(f"{path.name}.index").write_text(str(self.step))
        path.with_name(f"{path.name}.data-00000-of-00001").write_text(str(self.step))
        return path


def evaluations_of(folder: Path, measure: KnownAp, steps: int, patience: int = 0) -> TrainingEvaluations:
    return TrainingEvaluations(folder, EvaluationPlan(10, "AP", patience), measure, steps)


def test_the_best_of_the_evaluated_checkpoints_is_kept(tmp_path):
    measure = KnownAp({10: 0.2, 20: 0.5, 30: 0.5, 35: None})
    evaluations = evaluations_of(tmp_path, measure, steps=35)
    trainer = SavingTrainer(tmp_path)
    result = run_training(trainer, tmp_path, steps=35, evaluations=evaluations)
    assert measure.measured == [10, 20, 30, 35]
    assert trainer.saved == [10, 20, 30, 35]
    assert sorted(path.name for path in (tmp_path / "best").iterdir()) == [
        "metrics.json",
        "model.ckpt-20.data-00000-of-00001",
        "model.ckpt-20.index",
    ]
    assert json.loads((tmp_path / "best" / "metrics.json").read_text())["AP"] == 0.5
    assert (evaluations.best.step, result.gave_up) == (20, False)
    events = EventAccumulator(str(tmp_path / "events")).Reload()
    assert [event.step for event in events.Scalars("evaluation/AP")] == [10, 20, 30]


def test_training_stops_when_no_better_evaluation_comes(tmp_path):
    measure = KnownAp({10: 0.3, 20: 0.4, 30: 0.1, 40: 0.4})
    evaluations = evaluations_of(tmp_path, measure, steps=200, patience=2)
    result = run_training(SavingTrainer(tmp_path), tmp_path, steps=200, evaluations=evaluations)
    assert result.gave_up
    assert measure.measured == [10, 20, 30, 40]
    assert logged_steps(tmp_path) == list(range(1, 41))


def test_a_resumed_training_remembers_its_evaluations(tmp_path):
    run_training(
        SavingTrainer(tmp_path), tmp_path, 20, evaluations=evaluations_of(tmp_path, KnownAp({10: 0.9, 20: 0.1}), 20)
    )
    measure = KnownAp({30: 0.2})
    evaluations = evaluations_of(tmp_path, measure, steps=200, patience=2)
    evaluations.resume()
    result = run_training(SavingTrainer(tmp_path, step=20), tmp_path, 200, evaluations=evaluations)
    assert result.gave_up
    assert measure.measured == [30]
    assert evaluations.best.step == 10
    assert (tmp_path / "best" / "model.ckpt-10.index").exists()


def test_an_unknown_metric_is_an_error():
    with pytest.raises(DetloopError, match="--metric mAP: there is no such figure; give one of AP, AP50"):
        EvaluationPlan(10, "mAP")


class SignalledTrainer(SavingTrainer):
    """Gets SIGTERM in the middle of a step."""

    def __init__(self, folder: Path, at: int) -> None:
        super().__init__(folder)
        self.at = at

    def train_step(self) -> StepResult:
        if self.step == self.at - 1:
            signal.raise_signal(signal.SIGTERM)
        return super().train_step()


def test_a_signal_ends_training_after_the_step_with_a_checkpoint(tmp_path):
    before, stop, trainer = signal.getsignal(signal.SIGTERM), StopRequest(), SignalledTrainer(tmp_path, at=7)
    with stop.listening(), pytest.raises(InterruptionError, match=r"stopped by SIGTERM at step 7; .*ckpt-7 is written"):
        run_training(trainer, tmp_path, steps=25, stop=stop)
    assert trainer.saved == [7]
    assert logged_steps(tmp_path) == list(range(1, 8))
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_signal_while_evaluating_ends_at_once(tmp_path):
    def measure(checkpoint: Path) -> CocoMetrics:
        signal.raise_signal(signal.SIGTERM)
        raise AssertionError("the signal did not stop the evaluation")

    stop, trainer = StopRequest(), SavingTrainer(tmp_path)
    evaluations = TrainingEvaluations(tmp_path, EvaluationPlan(10), measure, steps=25)
    with stop.listening(), pytest.raises(InterruptionError):
        run_training(trainer, tmp_path, steps=25, evaluations=evaluations, stop=stop)
    assert trainer.saved == [10]
    assert not (tmp_path / "evaluations.csv").exists()


def test_a_signal_before_the_first_step_raises_at_once():
    stop = StopRequest()
    with stop.listening(), pytest.raises(InterruptionError):
        signal.raise_signal(signal.SIGTERM)
