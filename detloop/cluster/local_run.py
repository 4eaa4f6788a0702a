"""The whole pipeline on this machine, through kfp.local, from the definition that a cluster runs."""

import contextlib
import logging
import os
import shutil
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kfp import local

from detloop.cluster.containers import Containers
from detloop.cluster.local_control_flow import Results, control_flow_in_place
from detloop.cluster.run_folder import locked, named_by_inputs
from detloop.cluster.step_container import StepContainers
from detloop.cluster.step_output import StepOutcomes
from detloop.cluster.step_process import StepProcesses
from detloop.errors import DetloopError
from detloop.store import write_file_whole, write_folder_whole

FIGURES_OF_INTEREST = (
    *("steps", "first_loss", "last_loss"),
    *("formats", "size_bytes", "largest_difference"),
    *("AP", "AP50", "AP75", "AR100"),
    *("train_images", "train_boxes", "valid_images", "valid_boxes"),
    *("pictures", "teacher_boxes", "student_boxes"),
    *("listed_images", "new_images", "shards"),
    "promoted",
    *("images", "boxes", "images_per_second"),
)
"""What the table shows of an artifact's metadata, and in which order: KFP keeps none."""

SHOWN_FIGURES = 4
MODEL_NAMES = r"saved_model|frozen_inference_graph\.pb|label_map\.pbtxt|pipeline\.config"
TABLE_NAMES = r"(detections|images)\.csv"


@dataclass(frozen=True)
class StepResult:
    """One artifact of a finished step.

    Attributes:
        seconds: wall time of its process; None where an earlier run's result was taken.
        figures: the artifact's metadata.
    """

    name: str
    seconds: float | None
    figures: dict[str, Any]
    path: Path


@dataclass(frozen=True)
class RunSummary:
    """What a run made, in the order that was asked for, and where the results lie.

    `is_complete` says whether it made a model, and did not end where there was nothing to do.
    """

    steps: list[StepResult]
    seconds: float
    output: Path
    is_complete: bool

    def __str__(self) -> str:
        width = max(len(step.name) for step in self.steps)
        rows = [f"{'result':<{width}}   seconds  what it is"]
        for step in self.steps:
            seconds = "earlier" if step.seconds is None else f"{step.seconds:.1f}"
            rows.append(f"{step.name:<{width}}  {seconds:>8}  {_shown_figures(step.figures)}")
            rows.append(f"{'':<{width}}            {step.path}")
        where = f"in {self.output}: report.html, records.html, model/, metrics.json, student/, teacher/"
        if not self.is_complete:
            where = f"there was nothing to do; in {self.output} is what an earlier run left"
        rows.append(f"{self.seconds:.0f} s in all; {where}")
        return "\n".join(rows)


def run_locally(
    pipeline: Any,
    results: Mapping[str, Sequence[str]],
    arguments: dict[str, Any],
    output: Path,
    containers: Containers | None = None,
) -> RunSummary:
    """Runs a pipeline function and copies its results to `output`.

    A step whose inputs are those of an earlier run into the same `output` is not run again: its results are taken. A
    step that was killed goes on with what it had written.

    Args:
        pipeline: a function decorated with dsl.pipeline.
        results: the artifacts that the run is for, each by its name as TASK.OUTPUT; of several the first whose task has
            run.
        arguments: its parameters; URIs must be absolute, since steps run elsewhere.
        containers: what the steps run in; None for processes of this Python.

    Raises:
        DetloopError: a step failed, and the message names it and its reason; or another run works in `output`.
    """
    began = time.monotonic()
    root = output.resolve() / "pipeline"
    root.mkdir(parents=True, exist_ok=True)
    with locked(root) as lock:
        steps = StepContainers(containers, root) if containers else StepProcesses(inherited_descriptors=(lock,))
        local.init(steps.runner(), pipeline_root=str(root), enable_caching=True)
        with (
            steps.in_place(),
            control_flow_in_place() as made,
            named_by_inputs(arguments),
            kfp_kept_quiet(),
        ):
            _finish(pipeline, arguments, steps)
        artifacts = _artifacts(results, made)
        if "model" in artifacts:
            _collect(artifacts, output)
    shown = [_step_result(name, artifact, steps) for name, artifact in artifacts.items()]
    return RunSummary(shown, time.monotonic() - began, output, is_complete="model" in artifacts)


def _artifacts(results: Mapping[str, Sequence[str]], made: Results) -> dict[str, Any]:
    """The results that there are, in their order."""
    artifacts = {}
    for name, sources in results.items():
        for task, _, output in (source.partition(".") for source in sources):
            if name not in artifacts and output in made.get(task, {}):
                artifacts[name] = made[task][output]
    return artifacts


def _finish(pipeline: Any, arguments: dict[str, Any], steps: StepOutcomes) -> None:
    try:
        pipeline(**arguments)
    except RuntimeError as error:
        if steps.failed is None:
            raise DetloopError(f"the pipeline failed: {error}") from None
        raise DetloopError(f"step {steps.failed}: {steps.reason}") from None


@contextlib.contextmanager
def kfp_kept_quiet() -> Any:
    """Mutes kfp.local's own log and its warnings (image names, display names); steps print by themselves."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="kfp")
        previous = logging.root.manager.disable
        logging.disable(logging.ERROR)
        try:
            yield
        finally:
            logging.disable(previous)


def _step_result(name: str, artifact: Any, steps: StepOutcomes) -> StepResult:
    path = Path(artifact.path)
    return StepResult(name, steps.seconds.get(path.parent.name), dict(artifact.metadata), path)


def _shown_figures(figures: dict[str, Any]) -> str:
    """The figures of most interest, or those of an artifact that has none of these in the order of their names."""
    names = [name for name in FIGURES_OF_INTEREST if name in figures] or sorted(figures)
    return ", ".join(f"{name} {_shown(figures[name])}" for name in names[:SHOWN_FIGURES])


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() else f"{value:.3g}"
    return str(value)


def _collect(artifacts: dict[str, Any], output: Path) -> None:
    """Copies what a run is made for out of the dated folders of the pipeline root."""
    for name, artifact, own_names in (
        ("model", "model", MODEL_NAMES),
        ("teacher", "teacher_detections", TABLE_NAMES),
        ("student", "student_detections", TABLE_NAMES),
    ):
        with write_folder_whole(output / name, own_names) as folder:
            shutil.copytree(artifacts[artifact].path, folder, dirs_exist_ok=True)
    for name, path in (
        ("report.html", Path(artifacts["report"].path)),
        ("records.html", Path(artifacts["records_report"].path)),
        ("metrics.json", Path(artifacts["evaluation"].path) / "metrics.json"),
    ):
        with write_file_whole(output / name) as partial:
            shutil.copyfile(path, partial)
