"""Training a detector from a pipeline.config on records: checked, filled in, started or resumed, written down."""

import math
import sys
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from detloop.errors import DetloopError
from detloop.examples import count_records
from detloop.labels import write_label_map
from detloop.store import partial_path, remove_folder
from detloop.train.checks import errors_in, findings_text, read_request
from detloop.train.interruption import StopRequest
from detloop.train.odapi.checkpoints import CHECKPOINTS_NAME, newest_checkpoint
from detloop.train.odapi.config import (
    PipelineConfig,
    architecture_of,
    feature_extractor_of,
    generation_of,
    read_config,
    write_config,
)
from detloop.train.odapi.generations import open_detector, open_trainer
from detloop.train.settings import LABEL_MAP_NAME, RecordsFolder
from detloop.train.summary import BestEvaluation, TrainSummary
from detloop.train.trainer import KEPT_CHECKPOINTS, TrainingStart

CONFIG_NAME = "pipeline.config"
EVALUATIONS_A_TRAINING = 10


def train_detector(
    *,
    config: str,
    records: Path,
    output: Path,
    checkpoint: str | None = None,
    steps: int | None = None,
    batch_size: int | None = None,
    overrides: Sequence[str] = (),
    checkpoint_every: int = 100,
    keep_checkpoints: int = KEPT_CHECKPOINTS,
    evaluate_every: int | None = None,
    metric: str = "AP",
    patience: int = 0,
    resume: bool = True,
) -> TrainSummary:
    """Trains the config's model on the records and writes checkpoints, logs and the config as used to `output`.

    A SIGTERM or SIGINT ends the training after the step it is at, with a checkpoint of it.

    Args:
        config: the pipeline.config, of either generation of the API.
        records: the folder that `detloop records` wrote.
        checkpoint: weights to start from: a TF1 frozen graph, a checkpoint's prefix, or the folder of a training (its
            best, else its newest) or an export; default: the config's.
        steps, batch_size: instead of the config's.
        overrides: `a.b.c=value` for any other field.
        checkpoint_every: steps between checkpoints; the last step always has one.
        keep_checkpoints: how many of the newest are kept, besides the best.
        evaluate_every: steps between evaluations on the valid records, 0 for none; default: about ten a training.
        metric: the evaluations' figure that decides which checkpoint is the best.
        patience: evaluations without a better one after which the training stops; 0 for never.
        resume: go on from the newest checkpoint in `output`; otherwise what is there is removed first.

    Raises:
        DetloopError: the config, the records or the checkpoint cannot be used, or the loss is no longer a number.
        InterruptionError: a signal stopped the training.
    """
    began, stop = time.monotonic(), StopRequest()
    with stop.listening():
        message, folder, start = _checked(config, records, checkpoint, steps, batch_size, overrides)
        message.train_config.fine_tune_checkpoint = str(start or "")
        train = message.train_config
        if evaluate_every is None:
            evaluate_every = default_evaluate_every(train.num_steps, checkpoint_every)
        evaluations = _open_evaluations(message, folder, output, evaluate_every, metric, patience)
        resume_from = _prepare_output(output, message, resume)
        write_label_map(folder.label_map, output / LABEL_MAP_NAME)
        if evaluations and resume_from:
            evaluations.resume()

        print(
            f"train: building {feature_extractor_of(message)} ({generation_of(message)}); the first step takes a while",
            file=sys.stderr,
        )
        checkpoints = output / CHECKPOINTS_NAME
        trainer = open_trainer(TrainingStart(message, folder.train, checkpoints, start, resume_from, keep_checkpoints))
        if trainer.warm_start is not None:
            print(trainer.warm_start, file=sys.stderr)
        from detloop.train.loop import TrainingRun

        resumed_at = trainer.step
        run = TrainingRun(
            trainer,
            output,
            steps=train.num_steps,
            batch_size=train.batch_size,
            checkpoint_every=checkpoint_every,
            resumed_from=resume_from,
            evaluations=evaluations,
            stop=stop,
        )
        result = run.run()
        trainer.close()
    return TrainSummary(
        feature_extractor=feature_extractor_of(message),
        generation=generation_of(message),
        classes=architecture_of(message).num_classes,
        steps=resumed_at + result.steps,
        resumed_at=resumed_at,
        batch_size=train.batch_size,
        first_loss=result.first_loss,
        last_loss=result.last_loss,
        images_per_second=result.images_per_second,
        seconds=time.monotonic() - began,
        warm_start=str(trainer.warm_start or ""),
        checkpoint=result.checkpoint,
        best=_best_of(evaluations, result.gave_up),
    )


def _checked(config: str, records: Path, *choices: Any) -> tuple[PipelineConfig, RecordsFolder, Path | None]:
    """Checks everything before it costs compute, and shows what was found; a single error speaks for itself.

    Gives the config filled in, the records and the weights to start from.
    """
    request = read_request(config, records, *choices)
    findings = request.findings
    errors = errors_in(findings)
    if len(findings) > 1 or (findings and not errors):
        print(findings_text(findings), file=sys.stderr)
    if errors or request.records is None:
        raise DetloopError(
            errors[0].text if len(findings) == 1 else "the training was not started; mend the errors above"
        )
    return request.config, request.records, request.checkpoint


def default_evaluate_every(steps: int, checkpoint_every: int) -> int:
    """About `EVALUATIONS_A_TRAINING` times a training, at checkpoints."""
    checkpoints = math.ceil(steps / EVALUATIONS_A_TRAINING / checkpoint_every)
    return max(checkpoints, 1) * checkpoint_every


def _open_evaluations(
    config: PipelineConfig, records: RecordsFolder, output: Path, every: int, metric: str, patience: int
) -> Any:
    """The training's evaluations, whose detector is built when the first is due; None where there are to be none."""
    images = sum(map(count_records, records.valid)) if every else 0
    if not images:
        return None
    from detloop.evaluate import measure_detector
    from detloop.train.evaluation import EvaluationPlan, TrainingEvaluations

    the_detector = cache(lambda: open_detector(config))

    def measure(checkpoint: Path) -> Any:
        detector = the_detector()
        detector.load(checkpoint)
        return measure_detector(detector, records.valid, images, records.label_map, records.label_map)

    return TrainingEvaluations(output, EvaluationPlan(every, metric, patience), measure, config.train_config.num_steps)


def _best_of(evaluations: Any, gave_up: bool) -> BestEvaluation | None:
    best = evaluations.best if evaluations else None
    if best is None:
        return None
    return BestEvaluation(best.step, evaluations.metric, best.figures[evaluations.metric], gave_up)


def _prepare_output(output: Path, config: PipelineConfig, resume: bool) -> Path | None:
    """Makes the output folder, which is known by the config in it, so that is written first.

    Gives the checkpoint to go on from, if there is one and it is of this training.
    """
    used = output / CONFIG_NAME
    if output.exists() and not output.is_dir():
        raise DetloopError(f"{output}: is a file; give a folder to train into")
    if output.is_dir() and not used.exists() and any(path != partial_path(used) for path in output.iterdir()):
        raise DetloopError(f"{output}: holds other files; give a new folder, or one that an earlier training wrote")
    if not resume:
        remove_folder(output)
    newest = newest_checkpoint(output / CHECKPOINTS_NAME)
    if newest is not None and not _is_same_training(read_config(used), config):
        raise DetloopError(f"{output}: holds a training of another config; give another folder, or --no-resume")
    write_config(config, used)
    (output / CHECKPOINTS_NAME).mkdir(exist_ok=True)
    return newest


def _is_same_training(earlier: PipelineConfig, config: PipelineConfig) -> bool:
    """Whether two configs differ in nothing but the number of steps, so that one may go on from the other."""
    one, other = type(config)(), type(config)()
    one.CopyFrom(earlier)
    other.CopyFrom(config)
    one.train_config.ClearField("num_steps")
    other.train_config.ClearField("num_steps")
    return bool(one == other)
