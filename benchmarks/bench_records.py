"""`detloop records` against the original script's way and against a plain copy of the bytes, side by side.

    python benchmarks/bench_records.py [--images 5000] [--rounds 5]

The rival is what the widely copied generate_tfrecord.py does, once for the train and once for the valid file: the whole
CSV in pandas, groupby on the filename, one get_group and one PIL image an image, iterrows over its boxes, and
TensorFlow's Example and TFRecordWriter. The limit is reading every file and writing its bytes into one.

Every figure is the median of the rounds, in which the three alternate. Prints one line a figure; exits with 1 when the
ratio to the original is below 5.
"""

import argparse
import csv
import io
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from detloop.records import write_records

REQUIRED_RATIO = 5.0
IMAGE_SIZE_WH = (640, 480)
BOXES_PER_IMAGE = 3
PEAK_MEMORY_SCRIPT = """
import sys
from pathlib import Path
from benchmarks.peak_memory import peak_memory_bytes
from detloop.records import write_records
folder, first = Path(sys.argv[1]), int(sys.argv[2])
write_records(detections=folder / f"first-{first}.csv", images=str(folder / "images"), output=folder / "memory")
print(peak_memory_bytes() / 2**20)
"""


def draw_images(folder: Path, count: int) -> None:
    """Writes `count` JPEGs of about 75 kB: blurred noise, each with a few pixel rows of its own."""
    rng = np.random.default_rng(0)
    width, height = IMAGE_SIZE_WH
    coarse = rng.integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize(IMAGE_SIZE_WH, Image.Resampling.BICUBIC), dtype=np.int16)
    pixels = (smooth + rng.integers(-12, 13, smooth.shape)).clip(0, 255).astype(np.uint8)
    for number in range(count):
        image = np.roll(pixels, 7 * number, axis=1)
        Image.fromarray(image).save(folder / f"{number:06d}.jpg", quality=60)


def write_table(path: Path, count: int) -> None:
    """A detections table of `count` images with three boxes each."""
    width, height = IMAGE_SIZE_WH
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("filename", "width", "height", "class", "score", "xmin", "ymin", "xmax", "ymax"))
        for number in range(count):
            for box in range(BOXES_PER_IMAGE):
                x, y = (37 * number + 150 * box) % (width - 120), (53 * number + 90 * box) % (height - 200)
                name = "person" if box else "car"
                rows.writerow((f"{number:06d}.jpg", width, height, name, "0.900000", x, y, x + 110, y + 190))


def write_as_original(table: Path, images: Path, output: Path, train_count: int) -> None:
    """Train and valid records as generate_tfrecord.py writes them, one run each."""
    import pandas as pd
    import tensorflow as tf

    def class_text_to_int(name: str) -> int | None:
        return {"car": 1, "person": 2}.get(name)

    def int64(values: list[Any]) -> Any:
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))

    def floats(values: list[float]) -> Any:
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))

    def byte_strings(values: list[bytes]) -> Any:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))

    def create_example(filename: str, rows: Any) -> Any:
        with tf.io.gfile.GFile(os.path.join(str(images), filename), "rb") as file:
            encoded = file.read()
        width, height = Image.open(io.BytesIO(encoded)).size
        xmins, xmaxs, ymins, ymaxs, texts, ids = [], [], [], [], [], []
        for _, row in rows.iterrows():
            xmins.append(row["xmin"] / width)
            xmaxs.append(row["xmax"] / width)
            ymins.append(row["ymin"] / height)
            ymaxs.append(row["ymax"] / height)
            texts.append(row["class"].encode("utf8"))
            ids.append(class_text_to_int(row["class"]))
        feature = {
            "image/height": int64([height]),
            "image/width": int64([width]),
            "image/filename": byte_strings([filename.encode("utf8")]),
            "image/source_id": byte_strings([filename.encode("utf8")]),
            "image/encoded": byte_strings([encoded]),
            "image/format": byte_strings([b"jpeg"]),
            "image/object/bbox/xmin": floats(xmins),
            "image/object/bbox/xmax": floats(xmaxs),
            "image/object/bbox/ymin": floats(ymins),
            "image/object/bbox/ymax": floats(ymaxs),
            "image/object/class/text": byte_strings(texts),
            "image/object/class/label": int64(ids),
        }
        return tf.train.Example(features=tf.train.Features(feature=feature))

    for side, chosen in (("train", slice(None, train_count)), ("valid", slice(train_count, None))):
        groups = pd.read_csv(table).groupby("filename")
        with tf.io.TFRecordWriter(str(output / f"{side}.record")) as writer:
            for filename in list(groups.groups)[chosen]:
                writer.write(create_example(filename, groups.get_group(filename)).SerializeToString())


def copy_bytes(images: Path, output: Path) -> None:
    """Every file's bytes into one file: less than this no way of writing records can do."""
    with (output / "bytes").open("wb") as target:
        for path in sorted(os.scandir(images), key=lambda entry: entry.name):
            with open(path.path, "rb") as file:
                target.write(file.read())
        os.fsync(target.fileno())


def seconds(work: Callable[[], object], output: Path) -> float:
    """How long one run takes that starts with an empty `output` and no earlier run's bytes on their way to the disk."""
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir()
    os.sync()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def peak_memory_mib(folder: Path, count: int) -> float:
    """Peak resident memory of a process that writes the records of the first `count` images."""
    command = [sys.executable, "-c", PEAK_MEMORY_SCRIPT, str(folder), str(count)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    count, quarter = options.images, options.images // 4
    with tempfile.TemporaryDirectory(prefix="bench-records-") as temporary:
        folder = Path(temporary)
        images, output = folder / "images", folder / "output"
        images.mkdir()
        draw_images(images, count)
        for images_in_table in (count, quarter):
            write_table(folder / f"first-{images_in_table}.csv", images_in_table)
        mean_kb = statistics.mean(path.stat().st_size for path in images.iterdir()) / 1000
        print(f"{count} JPEG images of {mean_kb:.0f} kB, {BOXES_PER_IMAGE} boxes each, {options.rounds} rounds")

        def detloop_of(images_in_table: int) -> Callable[[], object]:
            table = folder / f"first-{images_in_table}.csv"
            return lambda: write_records(detections=table, images=str(images), output=output)

        table = folder / f"first-{count}.csv"
        ways: dict[str, tuple[int, Callable[[], object]]] = {
            "original": (count, lambda: write_as_original(table, images, output, count * 4 // 5)),
            "detloop": (count, detloop_of(count)),
            "detloop, a quarter": (quarter, detloop_of(quarter)),
            "copy of the bytes": (count, lambda: copy_bytes(images, output)),
        }
        seconds(ways["original"][1], output)
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(options.rounds):
            for name, (_, work) in ways.items():
                taken[name].append(seconds(work, output))
        rate = {name: ways[name][0] / statistics.median(values) for name, values in taken.items()}
        for name, images_per_second in rate.items():
            print(f"{name + ':':<20}{images_per_second:>8.0f} images/s")
        ratio = rate["detloop"] / rate["original"]
        print(f"detloop to original: {ratio:.1f} times (required: {REQUIRED_RATIO:g})")
        print(f"detloop to the copy of the bytes: {rate['detloop'] / rate['copy of the bytes']:.2f}")
        print(f"time an image at {count} to that at {quarter}: {rate['detloop, a quarter'] / rate['detloop']:.2f}")
        small, large = peak_memory_mib(folder, quarter), peak_memory_mib(folder, count)
        print(f"peak memory at {quarter} images {small:.0f} MiB, at {count} images {large:.0f} MiB")
    sys.exit(ratio < REQUIRED_RATIO)


if __name__ == "__main__":
    main()
