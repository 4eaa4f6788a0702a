"""pipeline.config files: reading, setting fields, filling in what the command line and the records say."""

import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pool, text_encoding, text_format
from google.protobuf.descriptor import FieldDescriptor

from detloop.errors import DetloopError
from detloop.store import write_file_whole
from detloop.train.odapi.protos import new_pipeline_config
from detloop.train.odapi.runtime import Generation

PipelineConfig = Any
"""A TrainEvalPipelineConfig message; its class is built at run time."""

PLACEHOLDER = "PATH_TO_BE_CONFIGURED"
_QUOTED_LIST = re.compile(r"""\[\s*["']""")
_INDEXED = re.compile(r"(\w+)(?:\[(\d+)\])?")


def read_config(path: Path) -> PipelineConfig:
    """Reads a pipeline.config.

    Raises:
        DetloopError: no such file, or not a pipeline.config; a field that the API does not know is named with the
            nearest one it does.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DetloopError(f"{path}: no such pipeline.config") from None
    except (IsADirectoryError, UnicodeDecodeError):
        raise DetloopError(f"{path}: not a pipeline.config; give the text file itself") from None
    config = new_pipeline_config()
    try:
        text_format.Parse(text, config)
    except text_format.ParseError as error:
        raise DetloopError(f"{path}: {_explained(error)}") from None
    if config.model.WhichOneof("model") is None:
        raise DetloopError(f"{path}: has no model {{ ... }}; give a pipeline.config of the Object Detection API")
    return config


def write_config(config: PipelineConfig, path: Path) -> None:
    """Writes a pipeline.config that `read_config` and the API read."""
    with write_file_whole(path) as partial:
        partial.write_text(text_format.MessageToString(config), encoding="utf-8")


def generation_of(config: PipelineConfig) -> Generation:
    """Which behaviour of the API builds this config's model.

    Keras models, whose feature extractors are named `..._keras`, and CenterNet exist in TF2 behaviour only; slim
    models in TF1 behaviour only. Source: the class maps of object_detection/builders/model_builder.py.
    """
    if config.model.WhichOneof("model") == "center_net":
        return "tf2"
    return "tf2" if feature_extractor_of(config).endswith("_keras") else "tf1"


def feature_extractor_of(config: PipelineConfig) -> str:
    """The type of the model's feature extractor, as `ssd_mobilenet_v2`."""
    return str(architecture_of(config).feature_extractor.type)


def architecture_of(config: PipelineConfig) -> Any:
    """The message of the model's architecture: ssd, faster_rcnn or center_net.

    Raises:
        DetloopError: the config's model is of another kind.
    """
    kind = config.model.WhichOneof("model")
    if kind not in ("ssd", "faster_rcnn", "center_net"):
        raise DetloopError(f"model {{ {kind} {{ ... }} }} cannot be trained; use ssd, faster_rcnn or center_net")
    return getattr(config.model, kind)


def set_fields(config: PipelineConfig, assignments: Sequence[str]) -> None:
    """Sets fields in place, each given as `a.b.c=value`; an element of a repeated field as `a[0].b=value`.

    A repeated field becomes the one value that is given, or the list in `[...]`; nothing behind the `=` empties it.

    Raises:
        DetloopError: an assignment has no `=`, names an unknown field or gives a value of the wrong kind.
    """
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise DetloopError(f"--set {assignment}: write it as a.b.c=value")
        *parents, name = key.strip().split(".")
        message = config
        for parent in parents:
            message = _child(message, parent, assignment)
        field = _field(message, name, assignment)
        message.ClearField(name)
        if field.is_repeated and not value:
            continue
        if field.type == FieldDescriptor.TYPE_STRING and not (field.is_repeated and _QUOTED_LIST.match(value)):
            value = f'"{text_encoding.CEscape(value.encode(), as_utf8=True)}"'
        try:
            text_format.Merge(f"{name}: {value}", message)
        except text_format.ParseError as error:
            raise DetloopError(f"--set {assignment}: {_explained(error)}") from None


def _child(message: Any, part: str, assignment: str) -> Any:
    match = _INDEXED.fullmatch(part)
    if match is None:
        raise DetloopError(f"--set {assignment}: {part!r} is not a field name")
    name, index = match[1], match[2]
    field = _field(message, name, assignment)
    if field.message_type is None:
        raise DetloopError(f"--set {assignment}: {name} holds a value, not fields of its own")
    child = getattr(message, name)
    if not field.is_repeated:
        return child
    if index is None or int(index) >= len(child):
        raise DetloopError(f"--set {assignment}: {name} is a list of {len(child)}; name one as {name}[0]")
    return child[int(index)]


def _field(message: Any, name: str, assignment: str) -> Any:
    fields = message.DESCRIPTOR.fields_by_name
    if name not in fields:
        raise DetloopError(
            f"--set {assignment}: {message.DESCRIPTOR.name} has no field {name!r}{_nearest(name, fields)}"
        )
    return fields[name]


def _explained(error: text_format.ParseError) -> str:
    """A parse error as one line, an unknown field with the nearest known one."""
    text = " ".join(str(error).split())
    unknown = re.search(r'Message type "([\w.]+)" has no field named "(\w+)"', text)
    if unknown is None:
        return text
    message = descriptor_pool.Default().FindMessageTypeByName(unknown[1])
    where = f"line {error.GetLine()}: " if error.GetLine() else ""
    return f"{where}{message.name} has no field {unknown[2]!r}{_nearest(unknown[2], message.fields_by_name)}"


def _nearest(name: str, known: Any) -> str:
    nearest = difflib.get_close_matches(name, list(known), n=1, cutoff=0)
    return f"; the nearest is {nearest[0]!r}" if nearest else ""
