"""What `detloop records` wrote, read back by TensorFlow."""

import csv
from pathlib import Path
from typing import Any

import tensorflow as tf


def read_examples(folder: Path, side: str) -> list[tf.train.Example]:
    """The examples of one side, shard after shard."""
    files = sorted(str(path) for path in folder.glob(f"{side}-*.record"))
    return [tf.train.Example.FromString(record.numpy()) for record in tf.data.TFRecordDataset(files)]


def values(example: tf.train.Example, name: str) -> list[Any]:
    """The values of one feature."""
    feature = example.features.feature[name]
    kind = feature.WhichOneof("kind")
    return list(getattr(feature, kind).value) if kind else []


def names_of(examples: list[tf.train.Example]) -> list[str]:
    return [values(example, "image/filename")[0].decode() for example in examples]


def all_examples(folder: Path) -> dict[str, tf.train.Example]:
    """The examples of both sides by file name."""
    examples = [*read_examples(folder, "train"), *read_examples(folder, "valid")]
    return dict(zip(names_of(examples), examples, strict=True))


def read_split(folder: Path) -> list[dict[str, str]]:
    with (folder / "split.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
