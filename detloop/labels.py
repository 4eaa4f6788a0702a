"""Label maps: the .pbtxt files that give each class id its name."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

from detloop.errors import DetloopError, one_line
from detloop.store import write_file_whole

UNKNOWN_CLASS = "N/A"


@dataclass(frozen=True)
class LabelMap:
    """The names of a detector's classes by id; ids start at 1 and may have gaps."""

    name_of_id: dict[int, str]

    def class_name(self, class_id: int) -> str:
        """The name of a class, N/A for an id that the map lacks."""
        return self.name_of_id.get(class_id, UNKNOWN_CLASS)

    @property
    def id_of_name(self) -> dict[str, int]:
        return {name: class_id for class_id, name in self.name_of_id.items()}

    @property
    def names(self) -> list[str]:
        """Names in the order of their ids."""
        return [self.name_of_id[class_id] for class_id in sorted(self.name_of_id)]

    @classmethod
    def of_names(cls, names: Iterable[str]) -> "LabelMap":
        """Ids 1, 2, ... in the order of the names."""
        return cls(dict(enumerate(names, start=1)))


@dataclass(frozen=True)
class ClassMap:
    """New names of classes, many to one; a class that it lacks keeps its name."""

    new_name_of: dict[str, str]

    def __bool__(self) -> bool:
        return bool(self.new_name_of)

    def new_name(self, name: str) -> str:
        """What a class is called from here on."""
        return self.new_name_of.get(name, name)


def parse_class_map(text: str) -> ClassMap:
    """Reads `motorcycle=vehicle,car=vehicle`.

    Raises:
        DetloopError: a part is no OLD=NEW, a class is given two new names, or a new name is itself renamed.
    """
    new_name_of: dict[str, str] = {}
    for part in text.split(","):
        old, _, new = (piece.strip() for piece in part.partition("="))
        if not old or not new:
            raise DetloopError(f"--map {part.strip()!r}: give OLD=NEW, as motorcycle=vehicle,car=vehicle")
        if new_name_of.get(old, new) != new:
            raise DetloopError(f"--map gives {old!r} two names, {new_name_of[old]!r} and {new!r}; give one")
        new_name_of[old] = new
    for old, new in new_name_of.items():
        if new_name_of.get(new, new) != new:
            raise DetloopError(
                f"--map renames {old!r} to {new!r} and {new!r} to {new_name_of[new]!r}; name the last one for both"
            )
    return ClassMap(new_name_of)


def read_label_map(path: Path) -> LabelMap:
    """Reads a label map; a class is called by its display_name, or by its name where it has none.

    Raises:
        DetloopError: the file is no label map, has no item, or an item lacks an id or a name or repeats one.
    """
    try:
        message = text_format.Parse(path.read_text(encoding="utf-8-sig"), _message_class()(), allow_unknown_field=True)
    except FileNotFoundError:
        raise DetloopError(f"{path}: no such label map") from None
    except IsADirectoryError:
        raise DetloopError(f"{path}: is a folder; give the label map's .pbtxt file") from None
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise DetloopError(
            f"{path}: not a label map (.pbtxt with item {{ id: 1 name: 'x' }}): {one_line(error)}"
        ) from None
    if not message.item:
        raise DetloopError(f"{path}: the label map has no item {{ ... }}")
    names: dict[int, str] = {}
    for position, item in enumerate(message.item, start=1):
        if item.HasField("id") and item.id == 0 and item.name == "background":
            continue
        class_id, name = _checked_item(item, f"{path}: item {position}")
        if class_id in names:
            raise DetloopError(
                f"{path}: id {class_id} is given to both {names[class_id]!r} and {name!r}; ids must differ"
            )
        if name in names.values():
            raise DetloopError(f"{path}: the name {name!r} is given to two ids; names must differ")
        names[class_id] = name
    if not names:
        raise DetloopError(f"{path}: the label map has no item but the background")
    return LabelMap(names)


def _checked_item(item: Any, where: str) -> tuple[int, str]:
    name = item.display_name or item.name
    if not name:
        raise DetloopError(f"{where} has neither a name nor a display_name")
    if not item.HasField("id"):
        raise DetloopError(f"{where} ({name!r}) has no id; give it one of 1 or more")
    if item.id < 1:
        raise DetloopError(f"{where} ({name!r}) has id {item.id}; ids start at 1 (0 is the background)")
    return item.id, name


def write_label_map(label_map: LabelMap, path: Path) -> None:
    """Writes a label map that `read_label_map` and the Object Detection API read, in the order of the ids."""
    message = _message_class()()
    for class_id in sorted(label_map.name_of_id):
        message.item.add(id=class_id, name=label_map.name_of_id[class_id])
    with write_file_whole(path) as partial:
        partial.write_text(text_format.MessageToString(message, as_utf8=True), encoding="utf-8")


@cache
def _message_class() -> Any:
    """The API's StringIntLabelMap, in a pool of its own so that the API's own definition can live beside it.

    Source: object_detection/protos/string_int_label_map.proto, fields name, id and display_name.
    """
    file = descriptor_pb2.FileDescriptorProto(name="label_map.proto", package="detloop", syntax="proto2")
    field = descriptor_pb2.FieldDescriptorProto
    item = file.message_type.add(name="Item")
    item.field.add(name="name", number=1, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    item.field.add(name="id", number=2, type=field.TYPE_INT32, label=field.LABEL_OPTIONAL)
    item.field.add(name="display_name", number=3, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    label_map = file.message_type.add(name="LabelMap")
    label_map.field.add(
        name="item", number=1, type=field.TYPE_MESSAGE, label=field.LABEL_REPEATED, type_name=".detloop.Item"
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("detloop.LabelMap"))
