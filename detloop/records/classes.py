"""The classes of the records: which are wanted, what the table's are called there, whether a teacher produces them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from detloop.detections import ImageDetections
from detloop.errors import DetloopError
from detloop.labels import UNKNOWN_CLASS, ClassMap, LabelMap, read_label_map
from detloop.records.table import TableSurvey


def choose_classes(wanted: Sequence[str] | None, table: Path, survey: TableSurvey) -> LabelMap:
    """The label map: ids 1, 2, ... in the order of the names wanted, or of all the table's names but N/A, sorted.

    Raises:
        DetloopError: a wanted name is empty, not UTF-8 or given twice, or no box is of a wanted class.
    """
    present = sorted(survey.boxes_of_class)
    names = list(wanted) if wanted is not None else [name for name in present if name not in ("", UNKNOWN_CLASS)]
    for position, name in enumerate(names):
        if not name:
            raise DetloopError("--classes has an empty name; give names with one comma between them")
        if name in names[:position]:
            raise DetloopError(f"--classes names {name!r} twice")
        if not _is_utf8(name):
            raise DetloopError(f"{table}: the class {name!r} is not UTF-8; save the table as UTF-8")
    if not set(names) & set(present):
        missing = ", ".join(names) if names else "a known class (all are N/A)"
        raise DetloopError(f"{table}: no box of {missing}; the table's classes are {', '.join(present)}")
    return LabelMap.of_names(names)


def check_producible(teacher_label_map: Path, class_map: ClassMap, wanted: Sequence[str] | None) -> None:
    """Whether the teacher knows every class that is renamed, and can produce every class that is wanted.

    Raises:
        DetloopError: it does not.
    """
    known = read_label_map(teacher_label_map).names
    for old in class_map.new_name_of:
        if old not in known:
            raise DetloopError(f"--map renames {old!r}, which {teacher_label_map} lacks; it has {_some(known)}")
    produced = list(dict.fromkeys(map(class_map.new_name, known)))
    for name in wanted or ():
        if name not in produced:
            raise DetloopError(
                f"--classes wants {name!r}, which the teacher cannot produce: {teacher_label_map} with --map gives"
                f" {_some(produced)}"
            )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")


def renamed(images: Iterator[ImageDetections], class_map: ClassMap) -> Iterator[ImageDetections]:
    """The images with their classes' new names."""
    if not class_map:
        yield from images
        return
    for image in images:
        yield replace(image, class_names=[class_map.new_name(name) for name in image.class_names])


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
