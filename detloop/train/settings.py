"""What the command line and the records fill into a pipeline.config; whatever else it says holds."""

from dataclasses import dataclass
from pathlib import Path

from detloop.engine.model_files import FROZEN_GRAPH_NAME
from detloop.errors import DetloopError
from detloop.labels import LabelMap, read_label_map
from detloop.store import fetch
from detloop.train.odapi.checkpoints import checkpoint_in
from detloop.train.odapi.config import PLACEHOLDER, PipelineConfig, architecture_of

LABEL_MAP_NAME = "label_map.pbtxt"
EXPORTED_VARIABLES = "variables/variables"


@dataclass(frozen=True)
class RecordsFolder:
    """A folder that `detloop records` wrote."""

    path: Path
    train: list[Path]
    valid: list[Path]
    label_map: LabelMap

    @property
    def label_map_path(self) -> Path:
        return self.path / LABEL_MAP_NAME


def open_records_folder(path: Path) -> RecordsFolder:
    """Finds the TFRecord files and the label map.

    Raises:
        DetloopError: the folder or one of its parts is missing.
    """
    if not path.is_dir():
        raise DetloopError(f"{path}: no such records folder; write one with `detloop records`")
    train, valid = sorted(path.glob("train-*.record")), sorted(path.glob("valid-*.record"))
    if not train:
        raise DetloopError(f"{path}: holds no train-*.record; write the folder with `detloop records`")
    return RecordsFolder(path.resolve(), train, valid, read_label_map(path / LABEL_MAP_NAME))


def fill_in(config: PipelineConfig, records: RecordsFolder, steps: int | None, batch_size: int | None) -> None:
    """Fills the records' paths and class count, and the steps and batch size where given, into the config.

    Raises:
        DetloopError: neither the config nor the command line says how many steps to train or how many images a step
            takes.
    """
    architecture_of(config).num_classes = len(records.label_map.name_of_id)
    if steps is not None:
        config.train_config.num_steps = steps
    if batch_size is not None:
        config.train_config.batch_size = batch_size
    if config.train_config.num_steps < 1:
        raise DetloopError("the config has no train_config.num_steps; give --steps")
    if config.train_config.batch_size < 1:
        raise DetloopError("the config has no train_config.batch_size; give --batch-size")
    _point_reader_at(config.train_input_reader, records.train, records.label_map_path)
    if not config.eval_input_reader:
        config.eval_input_reader.add()
    _point_reader_at(config.eval_input_reader[0], records.valid, records.label_map_path)


def _point_reader_at(reader: PipelineConfig, files: list[Path], label_map: Path) -> None:
    reader.label_map_path = str(label_map)
    reader.tf_record_input_reader.input_path[:] = [str(file.resolve()) for file in files]


def checkpoint_to_start_from(config: PipelineConfig, given: str | None) -> Path | None:
    """The weights that training starts from: `--checkpoint`, else the config's, else None for a new start.

    Raises:
        DetloopError: what is named is not there.
    """
    named = given or config.train_config.fine_tune_checkpoint
    if not named:
        return None
    if PLACEHOLDER in named:
        raise DetloopError(
            "the config's train_config.fine_tune_checkpoint is still to be configured; give --checkpoint, or"
            " --set train_config.fine_tune_checkpoint= to train from random weights"
        )
    path = fetch(named, "checkpoint")
    weights = next((one for one in _weights_named_by(path) if _is_weights(one)), None)
    if weights is None:
        option = "--checkpoint" if given else "the config's train_config.fine_tune_checkpoint"
        raise DetloopError(
            f"{path}: no such checkpoint ({option}); give a frozen graph (.pb), a checkpoint's prefix, or the folder of"
            " a training or an export"
        )
    return weights.resolve()


def _weights_named_by(path: Path) -> list[Path]:
    """Where the weights may lie: a file or prefix itself; in a folder, those of an export or of a training."""
    if not path.is_dir():
        return [path]
    exported = [path / FROZEN_GRAPH_NAME, path / "saved_model" / EXPORTED_VARIABLES, path / EXPORTED_VARIABLES]
    return [*exported, *filter(None, [checkpoint_in(path)])]


def _is_weights(path: Path) -> bool:
    return path.is_file() or path.with_name(path.name + ".index").is_file()
