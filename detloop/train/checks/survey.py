"""What the records of one side hold, found by reading a bounded number of them."""

import math
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from detloop.errors import DetloopError
from detloop.examples import count_records, decode_example, read_records
from detloop.labels import LabelMap

READ_RECORDS = 2000
COUNTED_BYTES = 4 * 2**30
KEPT_BOXES = 20_000
EDGE_TOLERANCE = 1e-6
_EDGES = ("xmin", "ymin", "xmax", "ymax")
_KINDS: dict[str, type] = {
    "image/encoded": bytes,
    "image/width": int,
    "image/height": int,
    **{f"image/object/bbox/{edge}": float for edge in _EDGES},
    "image/object/class/label": int,
    "image/object/class/text": bytes,
}


@dataclass(frozen=True)
class Box:
    """A box's sides as shares of its image's."""

    width: float
    height: float
    image_wh: tuple[int, int]


@dataclass
class Problem:
    """How often something was seen, and the first place."""

    count: int = 0
    first: str = ""


@dataclass
class Survey:
    """What was seen of one side, `train` or `valid`.

    Attributes:
        records: how many there are; at least so many where not `is_counted`.
        read: how many were read.
        read_bytes: their size.
        boxes_of_class: boxes by class id in the label map.
        boxes: the first of them, of images whose size is known.
        most_boxes: in one record.
        weighted_boxes: boxes of a weight below 1.
        problems: by what is wrong.
        damaged: what is wrong with whole files.
    """

    side: str
    files: list[Path]
    records: int = 0
    is_counted: bool = True
    read: int = 0
    read_bytes: int = 0
    boxes_of_class: Counter[int] = field(default_factory=Counter)
    boxes: list[Box] = field(default_factory=list)
    image_sizes_wh: Counter[tuple[int, int]] = field(default_factory=Counter)
    most_boxes: int = 0
    weighted_boxes: int = 0
    problems: dict[str, Problem] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether every record was read."""
        return self.is_counted and self.read == self.records

    def see(self, problem: str, place: str) -> None:
        """Counts a problem; `place` is kept of the first."""
        seen = self.problems.setdefault(problem, Problem(first=place))
        seen.count += 1


def survey_side(side: str, files: list[Path], label_map: LabelMap, most_records: int = READ_RECORDS) -> Survey:
    """Reads the first records of every file, in all about `most_records`, and counts the rest where that is quick."""
    survey = Survey(side, files)
    sizes_bytes = [file.stat().st_size for file in files]
    survey.is_counted = sum(sizes_bytes) <= COUNTED_BYTES
    of_each_file = max(1, most_records // max(len(files), 1))
    for file in files:
        try:
            survey.records += _survey_file(survey, file, label_map, of_each_file)
        except DetloopError as error:
            survey.damaged.append(str(error))
    return survey


def _survey_file(survey: Survey, file: Path, label_map: LabelMap, most_records: int) -> int:
    """Reads a file's first records; how many it has, or was seen to have."""
    read = 0
    for data in islice(read_records(file), most_records):
        read += 1
        survey.read_bytes += len(data)
        _survey_record(survey, f"{file.name}, record {read - 1}", data, label_map)
    survey.read += read
    return count_records(file) if survey.is_counted else read


def _survey_record(survey: Survey, place: str, data: bytes, label_map: LabelMap) -> None:
    try:
        features: dict[str, Any] = dict(decode_example(data))
    except DetloopError:
        survey.see("records are no tf.train.Example", place)
        return
    names = features.get("image/filename") or features.get("image/source_id")
    if names and isinstance(names[0], bytes):
        place += f" ({names[0].decode('utf-8', 'replace')})"
    for name, kind in _KINDS.items():
        if not all(isinstance(value, kind) for value in features.get(name, [])[:1]):
            survey.see(f"records have {name} of another kind than {kind.__name__}", place)
            return
    if not any(features.get("image/encoded", [])):
        survey.see("records have no image (image/encoded)", place)
    image_wh = _image_size(features)
    if image_wh:
        survey.image_sizes_wh[image_wh] += 1
    edges = [features.get(f"image/object/bbox/{edge}", []) for edge in _EDGES]
    labels = _labels(features)
    if len({len(values) for values in (*edges, labels)}) > 1:
        survey.see("records have another number of box edges than of classes", place)
        return
    weights = features.get("image/object/weight", [])
    if len(weights) not in (0, len(labels)):
        survey.see("records have another number of weights than of classes", place)
    survey.weighted_boxes += sum(weight < 1 for weight in weights)
    survey.most_boxes = max(survey.most_boxes, len(labels))
    for box in zip(*edges, strict=True):
        _survey_box(survey, place, box, image_wh)
    _survey_classes(survey, place, features, label_map)


def _labels(features: dict[str, Any]) -> list[Any]:
    labels: list[Any] = features.get("image/object/class/label", []) or features.get("image/object/class/text", [])
    return labels


def _image_size(features: dict[str, Any]) -> tuple[int, int] | None:
    width, height = (features.get(f"image/{side}", [0])[:1] for side in ("width", "height"))
    return (int(width[0]), int(height[0])) if all((width, height)) and width[0] > 0 and height[0] > 0 else None


def _survey_box(survey: Survey, place: str, box: tuple[float, ...], image_wh: tuple[int, int] | None) -> None:
    text = f"{place}: " + " ".join(f"{edge} {value:g}" for edge, value in zip(_EDGES, box, strict=True))
    xmin, ymin, xmax, ymax = box
    if not all(math.isfinite(value) and -EDGE_TOLERANCE <= value <= 1 + EDGE_TOLERANCE for value in box):
        survey.see("boxes reach out of their image (edges must lie in 0 to 1)", text)
    elif xmax <= xmin or ymax <= ymin:
        survey.see("boxes have no area", text)
    elif image_wh and len(survey.boxes) < KEPT_BOXES:
        survey.boxes.append(Box(xmax - xmin, ymax - ymin, image_wh))


def _survey_classes(survey: Survey, place: str, features: dict[str, Any], label_map: LabelMap) -> None:
    """Looks classes up as the API's decoder does: by name where there are names, else by id."""
    ids: list[Any] = features.get("image/object/class/label", [])
    names = [text.decode("utf-8", "replace") for text in features.get("image/object/class/text", [])]
    if ids and names and len(ids) != len(names):
        survey.see("records have another number of class names than of class ids", place)
        return
    id_of_name = label_map.id_of_name
    for position in range(max(len(ids), len(names))):
        name = names[position] if names else ""
        class_id = ids[position] if ids else None
        known_id = id_of_name.get(name) if names else (class_id if class_id in label_map.name_of_id else None)
        if known_id is None:
            what = f"the class {name!r}" if names else f"the class id {class_id}"
            survey.see(f"boxes are of {what}, which the label map lacks", place)
        elif class_id not in (None, known_id):
            survey.see(f"boxes of class {name!r} have id {class_id}, in the label map it is {known_id}", place)
        else:
            survey.boxes_of_class[known_id] += 1
