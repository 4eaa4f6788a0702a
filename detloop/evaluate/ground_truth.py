"""The images and boxes of TFRecords, as an evaluation needs them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detloop.detections import ImageDetections
from detloop.errors import DetloopError, ImageError
from detloop.examples import FeatureValues, decode_example, read_records
from detloop.images import decode_rgb
from detloop.labels import LabelMap

EDGE_FEATURES = tuple(f"image/object/bbox/{edge}" for edge in ("xmin", "ymin", "xmax", "ymax"))


@dataclass(frozen=True)
class LabelledImage:
    """Pixels (uint8 [height, width, 3]) and the labelled boxes of one record."""

    pixels: np.ndarray
    truth: ImageDetections


def valid_record_files(records: Path) -> list[Path]:
    """The valid-*.record files of a folder that `detloop records` wrote, in the order of their names.

    Raises:
        DetloopError: there is none.
    """
    if not records.is_dir():
        raise DetloopError(f"{records}: no such folder; give the output of `detloop records`")
    files = sorted(records.glob("valid-*.record"))
    if not files:
        raise DetloopError(f"{records}: no valid-*.record file there; give the output of `detloop records`")
    return files


def read_labelled_images(record_file: Path, label_map: LabelMap) -> Iterator[LabelledImage]:
    """The records of one file, one image in memory at a time.

    A box that image/object/is_crowd marks is one to ignore.

    Raises:
        DetloopError: a record is damaged, lacks a feature, has a class id that the label map lacks, or holds an image
            that cannot be decoded.
    """
    for number, data in enumerate(read_records(record_file), start=1):
        where = f"{record_file}, record {number}"
        try:
            features = decode_example(data)
        except DetloopError as error:
            raise DetloopError(f"{where}: {error}; write the records again") from None
        filename = bytes(_single(features, "image/filename", where)).decode("utf-8", "surrogateescape")
        try:
            pixels = decode_rgb(bytes(_single(features, "image/encoded", where)))
        except ImageError as error:
            raise DetloopError(f"{where} ({filename}): {error}; write the records again without it") from None
        yield LabelledImage(pixels, _truth(filename, pixels, features, label_map, where))


def _truth(
    filename: str, pixels: np.ndarray, features: dict[str, FeatureValues], label_map: LabelMap, where: str
) -> ImageDetections:
    height, width = pixels.shape[:2]
    class_ids = [int(value) for value in features.get("image/object/class/label", [])]
    edges = [features.get(name, []) for name in EDGE_FEATURES]
    if {len(values) for values in edges} != {len(class_ids)}:
        raise DetloopError(f"{where} ({filename}): not as many box edges as classes; write the records again")
    is_crowd = [bool(value) for value in features.get("image/object/is_crowd", [])]
    if len(is_crowd) not in (0, len(class_ids)):
        raise DetloopError(f"{where} ({filename}): not as many crowd marks as classes; write the records again")
    for class_id in class_ids:
        if class_id not in label_map.name_of_id:
            raise DetloopError(f"{where} ({filename}): class id {class_id} is not in the records' label map")
    return ImageDetections(
        filename=filename,
        width=width,
        height=height,
        class_names=[label_map.name_of_id[class_id] for class_id in class_ids],
        scores=np.ones(len(class_ids)),
        boxes_px=np.array(edges, dtype=np.float64).T.reshape(-1, 4) * (width, height, width, height),
        is_ignored=tuple(is_crowd) if any(is_crowd) else (),
    )


def _single(features: dict[str, FeatureValues], name: str, where: str) -> bytes:
    values = features.get(name, [])
    if len(values) != 1 or not isinstance(values[0], bytes):
        raise DetloopError(f"{where}: the feature {name} is missing; write the records again")
    return values[0]
