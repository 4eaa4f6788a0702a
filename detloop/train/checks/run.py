"""All checks of a training, from what the command line gives or from what is already read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from detloop.errors import DetloopError
from detloop.store import existing_file
from detloop.train.checks.anchors import check_anchors
from detloop.train.checks.checkpoint import check_checkpoint, read_weights
from detloop.train.checks.findings import Finding
from detloop.train.checks.image_size import check_image_size
from detloop.train.checks.memory import check_memory, gpu_memory_bytes, main_memory_bytes
from detloop.train.checks.model import check_model
from detloop.train.checks.records import check_batch, check_box_weights, check_classes, check_records
from detloop.train.checks.schedule import check_schedule
from detloop.train.checks.survey import survey_side
from detloop.train.odapi.config import PipelineConfig, generation_of, read_config, set_fields
from detloop.train.odapi.generations import load_api_for
from detloop.train.settings import RecordsFolder, checkpoint_to_start_from, fill_in, open_records_folder

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Request:
    """What `detloop train` is given, as far as it can be read.

    Attributes:
        config: filled in where the records can be read; None where it cannot be read itself.
        records: None where they cannot be read.
        checkpoint: the weights to start from; None without any.
        findings: what reading and checking it all has found.
    """

    config: PipelineConfig | None
    records: RecordsFolder | None
    checkpoint: Path | None
    findings: list[Finding]


def check_request(
    config: str,
    records: Path,
    checkpoint: str | None = None,
    steps: int | None = None,
    batch_size: int | None = None,
    overrides: Sequence[str] = (),
) -> list[Finding]:
    """What there is to find in the arguments of `train_detector`; see `read_request`."""
    return read_request(config, records, checkpoint, steps, batch_size, overrides).findings


def read_request(
    config: str,
    records: Path,
    checkpoint: str | None = None,
    steps: int | None = None,
    batch_size: int | None = None,
    overrides: Sequence[str] = (),
) -> Request:
    """Reads and checks the arguments of `train_detector`.

    What cannot be read at all is a finding too, and the rest is checked as far as it goes without.
    """
    findings: list[Finding] = []
    message = _attempt(findings, "--config", lambda: _read(config, overrides))
    folder = _attempt(findings, "--records", lambda: open_records_folder(records))
    if message is not None and folder is not None:
        if any(".num_classes=" in assignment for assignment in overrides):
            findings += check_classes(message, folder)
        _attempt(findings, "config", lambda: fill_in(message, folder, steps, batch_size))
    start = None
    if message is not None:
        start = _attempt(findings, "checkpoint", lambda: checkpoint_to_start_from(message, checkpoint))
    return Request(message, folder, start, [*findings, *check_training(message, folder, start)])


def check_training(
    config: PipelineConfig | None, records: RecordsFolder | None, checkpoint: Path | None
) -> list[Finding]:
    """Checks a config that is filled in, a records folder and the weights to start from; None is left out.

    Reads a bounded number of records. To read weights it loads the API's runtime of the config's generation, and
    with it TensorFlow.
    """
    findings: list[Finding] = []
    if config is not None:
        findings += [*check_model(config), *check_schedule(config)]
    if records is not None:
        findings += _check_records(config, records)
    if config is not None and checkpoint is not None:
        findings += _attempt(findings, "checkpoint", lambda: _check_weights(config, checkpoint)) or []
    return findings


def _check_records(config: PipelineConfig | None, records: RecordsFolder) -> list[Finding]:
    train = survey_side("train", records.train, records.label_map)
    valid = survey_side("valid", records.valid, records.label_map)
    findings = check_records(train, valid, records)
    if config is not None:
        findings += check_classes(config, records)
        findings += check_box_weights(config, train, records)
        findings += check_batch(config, train, records)
        findings += check_image_size(config, train)
        findings += check_anchors(config, train)
        findings += check_memory(config, train, main_memory_bytes(), gpu_memory_bytes())
    return findings


def _check_weights(config: PipelineConfig, checkpoint: Path) -> list[Finding]:
    load_api_for(config)
    return check_checkpoint(config, read_weights(checkpoint))


def _read(config: str, overrides: Sequence[str]) -> PipelineConfig:
    message = read_config(existing_file(config, "pipeline.config"))
    set_fields(message, overrides)
    generation_of(message)
    return message


def _attempt(findings: list[Finding], where: str, action: Callable[[], _Result]) -> _Result | None:
    """The action's result, or None and a finding of why there is none."""
    try:
        return action()
    except DetloopError as error:
        findings.append(Finding("error", where, str(error)))
        return None
