"""Evaluation while a model trains: when, what is kept of it, and when there is nothing left to wait for."""

import csv
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from detloop.errors import DetloopError
from detloop.evaluate.coco import STAT_NAMES, CocoMetrics
from detloop.store import write_file_whole, write_folder_whole
from detloop.train.odapi.checkpoints import BEST_NAME

EVALUATIONS_NAME = "evaluations.csv"
BEST_OWN_NAMES = r".*ckpt-\d+\..*|checkpoint|metrics\.json"


@dataclass(frozen=True)
class EvaluationPlan:
    """When to evaluate, by what to choose, and when to give up.

    Attributes:
        every: steps between evaluations; 0 for none.
        metric: the name of the figure that decides, one of `STAT_NAMES`; more is better.
        patience: evaluations without a better one after which training stops; 0 for never.

    Raises:
        DetloopError: there is no such figure.
    """

    every: int
    metric: str = "AP"
    patience: int = 0

    def __post_init__(self) -> None:
        if self.metric not in STAT_NAMES:
            raise DetloopError(f"--metric {self.metric}: there is no such figure; give one of {', '.join(STAT_NAMES)}")


@dataclass(frozen=True)
class Evaluated:
    """One evaluation: the step and its figures by name, None where there was nothing to measure."""

    step: int
    figures: dict[str, float | None]


class TrainingEvaluations:
    """The evaluations of one training, in its evaluations.csv, and its best checkpoint, in its folder `best`.

    Both outlive the process, so that a resumed training knows its best and how long it has waited for a better one.
    """

    def __init__(self, folder: Path, plan: EvaluationPlan, measure: Callable[[Path], CocoMetrics], steps: int) -> None:
        self._folder, self._plan, self._measure, self._steps = folder, plan, measure, steps
        self._done: list[Evaluated] = []

    def resume(self) -> None:
        """Takes up the evaluations that an earlier run of this training made."""
        self._done = _read_evaluations(self._folder / EVALUATIONS_NAME)

    @property
    def best(self) -> Evaluated | None:
        """The first of those with the highest metric; None where none could be measured."""
        measured = [one for one in self._done if one.figures[self._plan.metric] is not None]
        return max(measured, key=lambda one: one.figures[self._plan.metric] or 0.0, default=None)

    @property
    def metric(self) -> str:
        return self._plan.metric

    def is_due(self, step: int) -> bool:
        """Whether this step's checkpoint is to be evaluated and has not been yet."""
        is_turn = step == self._steps or (step > 0 and step % self._plan.every == 0)
        return is_turn and all(one.step != step for one in self._done)

    def has_waited_enough(self) -> bool:
        """Whether `patience` evaluations have passed since the best one."""
        if not self._plan.patience or not self._done:
            return False
        best_step = self.best.step if self.best else 0
        return sum(one.step > best_step for one in self._done) >= self._plan.patience

    def evaluate(self, step: int, checkpoint: Path) -> Evaluated:
        """Measures a checkpoint, keeps it when it is the best so far, and writes the figures down."""
        metrics = self._measure(checkpoint)
        evaluated = Evaluated(step, {name: metrics.stats[name] for name in STAT_NAMES})
        self._done.append(evaluated)
        if self.best is evaluated:
            self._keep(checkpoint, evaluated)
        _write_evaluations(self._folder / EVALUATIONS_NAME, self._done)
        return evaluated

    def _keep(self, checkpoint: Path, evaluated: Evaluated) -> None:
        with write_folder_whole(self._folder / BEST_NAME, BEST_OWN_NAMES) as folder:
            for file in checkpoint.parent.iterdir():
                if file.stem == checkpoint.name:
                    _link_or_copy(file, folder / file.name)
            content = {"step": evaluated.step, **evaluated.figures}
            (folder / "metrics.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _link_or_copy(source: Path, target: Path) -> None:
    """A second name for a file that is never written to again; a copy where the file system has no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _read_evaluations(path: Path) -> list[Evaluated]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Evaluated(int(row["step"]), {name: float(row[name]) if row[name] else None for name in STAT_NAMES})
            for row in csv.DictReader(file)
        ]


def _write_evaluations(path: Path, done: list[Evaluated]) -> None:
    with write_file_whole(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("step", *STAT_NAMES))
        for one in done:
            rows.writerow([one.step, *("" if value is None else f"{value:.6f}" for value in one.figures.values())])
