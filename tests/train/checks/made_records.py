"""Records folders of examples made by hand, right or wrong in one way."""

from pathlib import Path
from typing import Any

from detloop.examples import RecordWriter, encode_example
from detloop.labels import LabelMap, write_label_map
from detloop.train.settings import RecordsFolder, open_records_folder

CLASSES = ("person", "car")


def example(**changes: Any) -> bytes:
    """An example with a person and a car; `changes` replace features, as bbox_xmin=[0.1]."""
    features: dict[str, Any] = {
        "image/height": [64],
        "image/width": [96],
        "image/filename": [b"a.jpg"],
        "image/encoded": [b"jpeg bytes"],
        "image/object/bbox/xmin": [0.1, 0.5],
        "image/object/bbox/ymin": [0.1, 0.5],
        "image/object/bbox/xmax": [0.4, 0.9],
        "image/object/bbox/ymax": [0.4, 0.9],
        "image/object/class/text": [b"person", b"car"],
        "image/object/class/label": [1, 2],
        "image/object/weight": [],
    }
    names = {name.replace("image/object/", "").replace("image/", "").replace("/", "_"): name for name in features}
    return encode_example(features | {names[short]: value for short, value in changes.items()})


def write_shard(path: Path, examples: list[bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = RecordWriter(path)
    for one in examples:
        writer.write(one)
    writer.close()
    return path


def write_folder(
    folder: Path, train: list[bytes], valid: list[bytes] | None = None, label_map: LabelMap | None = None
) -> RecordsFolder:
    """Writes a folder with one file a side; without `valid` that side has one good record."""
    write_shard(folder / "train-00000-of-00001.record", train)
    write_shard(folder / "valid-00000-of-00001.record", [example()] if valid is None else valid)
    write_label_map(label_map or LabelMap.of_names(CLASSES), folder / "label_map.pbtxt")
    return open_records_folder(folder)


def good_folder(folder: Path) -> RecordsFolder:
    return write_folder(folder, [example() for _ in range(8)])
