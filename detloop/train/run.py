"""Training a detector from a pipeline.config on records: checked, filled in, started or resumed, written down."""

import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detloop.errors import DetloopError
from detloop.labels import write_label_map
from detloop.store import existing_file, partial_path, remove_folder
from detloop.train.odapi.checkpoints import CHECKPOINTS_NAME, newest_checkpoint
from detloop.train.odapi.config import (
    PipelineConfig,
    architecture_of,
    feature_extractor_of,
    generation_of,
    read_config,
    set_fields,
    write_config,
)
from detloop.train.settings import LABEL_MAP_NAME, checkpoint_to_start_from, fill_in, open_records_folder

CONFIG_NAME = "pipeline.config"


@dataclass(frozen=True)
class TrainSummary:
    """What a training made.

    Attributes:
        steps: the step the training has come to.
        resumed_at: the step it went on from, 0 for a new training.
        checkpoint: prefix of the last checkpoint.
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

    def __str__(self) -> str:
        lines = [f"{self.feature_extractor} ({self.generation}, {self.classes} classes) trained to step {self.steps}"]
        if self.resumed_at:
            lines[0] += f", resumed at {self.resumed_at}"
        if self.warm_start:
            lines.append(self.warm_start)
        if not math.isnan(self.first_loss):
            lines.append(f"loss {self.first_loss:.3f} -> {self.last_loss:.3f}, {self.images_per_second:.1f} images/s")
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
        return figures


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
    resume: bool = True,
) -> TrainSummary:
    """Trains the config's model on the records and writes checkpoints, a log and the config as used to `output`.

    Args:
        config: the pipeline.config, of either generation of the API.
        records: the folder that `detloop records` wrote.
        checkpoint: weights to start from: a TF1 frozen graph or a checkpoint's prefix; default: the config's.
        steps, batch_size: instead of the config's.
        overrides: `a.b.c=value` for any other field.
        checkpoint_every: steps between checkpoints; the last step always has one.
        resume: go on from the newest checkpoint in `output`; otherwise what is there is removed first.

    Raises:
        DetloopError: the config, the records or the checkpoint cannot be used, or the loss is no longer a number.
    """
    began = time.monotonic()
    message = read_config(existing_file(config, "pipeline.config"))
    set_fields(message, overrides)
    folder = open_records_folder(records)
    fill_in(message, folder, steps, batch_size, any(".num_classes=" in assignment for assignment in overrides))
    start = checkpoint_to_start_from(message, checkpoint)
    message.train_config.fine_tune_checkpoint = str(start or "")
    resume_from = _prepare_output(output, message, resume)
    write_label_map(folder.label_map, output / LABEL_MAP_NAME)

    trainer = _open_trainer(message, folder.train, output / CHECKPOINTS_NAME, start, resume_from)
    if trainer.warm_start is not None:
        print(trainer.warm_start, file=sys.stderr)
    resumed_at = trainer.step
    from detloop.train.loop import run_training

    train = message.train_config
    result = run_training(trainer, train.num_steps, train.batch_size, checkpoint_every, output)
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
    )


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


def _open_trainer(
    config: PipelineConfig, records: list[Path], folder: Path, checkpoint: Path | None, resume_from: Path | None
) -> Any:
    from detloop.train.odapi.runtime import load_api

    generation = generation_of(config)
    print(
        f"train: building {feature_extractor_of(config)} ({generation}); the first step takes a while", file=sys.stderr
    )
    load_api(generation)
    if generation == "tf1":
        from detloop.train.odapi.tf1_trainer import Tf1Trainer

        return Tf1Trainer(config, records, folder, checkpoint, resume_from)
    from detloop.train.odapi.tf2_trainer import Tf2Trainer

    return Tf2Trainer(config, records, folder, checkpoint, resume_from)
