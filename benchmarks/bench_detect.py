"""`detloop detect` against the original script's loop, side by side on the same images with the same model.

    python -m benchmarks.bench_detect --model frozen_inference_graph.pb --images FOLDER [--rounds 5] [--at-least 400]

The rival is the loop of the Object Detection API's tutorial, as labelling scripts have it: one image at a time, decoded
in line by PIL and np.asarray, one sess.run each, the rows written at the end. Both are timed from their first image to
their last row, the model loaded before; the first run of a session, in which TensorFlow prepares the graph, counts. A
folder of fewer images than --at-least is gone through more than once, so that this first run weighs little.

Every figure is the median of the rounds, in which the two alternate, each in a process of its own. Prints one line a
figure, the ratio among them, and the peak memory for the images once and four times.
"""

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from PIL import Image

from detloop.detect import detect_images
from detloop.labels import LabelMap, write_label_map

REQUIRED_RATIO = 1.3
THRESHOLD = 0.5
CLASSES = {1: "person"}
PEAK_MEMORY_SCRIPT = """
import resource, sys
from pathlib import Path
from detloop.detect import detect_images
model, label_map, images, output = sys.argv[1:]
detect_images(model=model, label_map=label_map, images=images, output=Path(output))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def detect_as_original(model: Path, images: list[Path], names_of_classes: dict[int, str], output: Path) -> float:
    """The original loop; gives the seconds it took once the model was loaded."""
    import tensorflow as tf

    graph = tf.Graph()
    with graph.as_default():
        graph_def = tf.compat.v1.GraphDef()
        graph_def.ParseFromString(model.read_bytes())
        tf.import_graph_def(graph_def, name="")
    names = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")
    fetches = [graph.get_tensor_by_name(f"{name}:0") for name in names]
    rows = []
    with tf.compat.v1.Session(graph=graph) as session:
        began = time.perf_counter()
        for path in images:
            image = Image.open(path)
            width, height = image.size
            image_np = np.expand_dims(np.asarray(image), axis=0)
            boxes, scores, classes, _ = session.run(fetches, feed_dict={"image_tensor:0": image_np})
            boxes, scores, classes = np.squeeze(boxes), np.squeeze(scores), np.squeeze(classes).astype(np.int32)
            for i in range(boxes.shape[0]):
                if scores[i] > THRESHOLD:
                    ymin, xmin, ymax, xmax = boxes[i].tolist()
                    edges = (int(xmin * width), int(ymin * height), int(xmax * width), int(ymax * height))
                    name = names_of_classes.get(classes[i], "N/A")
                    rows.append((path.name, width, height, name, f"{scores[i]:.6f}", *edges))
        with output.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(("filename", "width", "height", "class", "score", "xmin", "ymin", "xmax", "ymax"))
            table.writerows(rows)
        return time.perf_counter() - began


def boxes_in(table: Path) -> set[tuple[str, ...]]:
    """Name, size, class and edges of each box; a score's last digits depend on the batch."""
    with table.open(newline="", encoding="utf-8") as file:
        return {(*row[:4], *row[5:]) for row in csv.reader(file)}


def link_copies(images: list[Path], copies: int, folder: Path) -> list[Path]:
    """A folder in which every image is listed `copies` times."""
    folder.mkdir()
    links = [folder / f"{copy}-{path.name}" for copy in range(copies) for path in images]
    for link, path in zip(links, images * copies, strict=True):
        link.symlink_to(path)
    return links


def peak_memory_mib(model: Path, label_map: Path, images: Path, output: Path) -> float:
    """Peak resident memory of a process that detects in a folder's images."""
    command = [sys.executable, "-c", PEAK_MEMORY_SCRIPT, *map(str, (model, label_map, images, output))]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def rate_in_own_process(way: str, model: Path, folder: Path) -> float:
    """Images a second of one way, in a process that the other's settings cannot reach."""
    command = [sys.executable, "-m", "benchmarks.bench_detect", "--only", way, "--model", model, "--images", folder]
    done = subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout.splitlines()[-1])


def run_one_way(way: str, model: Path, folder: Path) -> float:
    """Detects in folder/timed, writes folder/<way>.csv; images a second."""
    images = sorted((folder / "timed").iterdir())
    if way == "original":
        return len(images) / detect_as_original(model, images, CLASSES, folder / "original.csv")
    summary = detect_images(
        model=str(model),
        label_map=str(folder / "label_map.pbtxt"),
        images=str(folder / "timed"),
        output=folder / "detloop.csv",
        threshold=THRESHOLD,
    )
    return summary.images_per_second


def measure(model: Path, images: list[Path], rounds: int, at_least: int, folder: Path) -> None:
    """Prints every figure."""
    write_label_map(LabelMap(CLASSES), folder / "label_map.pbtxt")
    link_copies(images, -(-at_least // len(images)), folder / "timed")
    original_rates, rates = [], []
    for number in range(1, rounds + 1):
        original_rates.append(rate_in_own_process("original", model, folder))
        rates.append(rate_in_own_process("detloop", model, folder))
        print(f"round {number}: original {original_rates[-1]:.1f} images/s, detloop detect {rates[-1]:.1f} images/s")
    ratio = statistics.median(new / old for new, old in zip(rates, original_rates, strict=True))
    print(f"original loop:   {statistics.median(original_rates):.1f} images/s")
    print(f"detloop detect:  {statistics.median(rates):.1f} images/s")
    print(f"ratio:           {ratio:.2f} (at least {REQUIRED_RATIO})")
    ours = boxes_in(folder / "detloop.csv")
    print(f"boxes that only one of the two finds: {len(boxes_in(folder / 'original.csv') ^ ours)} of {len(ours) - 1}")
    peaks_mib = []
    for copies in (1, 4):
        link_copies(images, copies, folder / f"listed-{copies}")
        table = folder / f"memory-{copies}.csv"
        peaks_mib.append(peak_memory_mib(model, folder / "label_map.pbtxt", folder / f"listed-{copies}", table))
    once, four_times = peaks_mib
    print(f"peak memory:     {once:.0f} MiB for {len(images)} images, {four_times:.0f} MiB for {4 * len(images)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="frozen graph")
    parser.add_argument("--images", type=Path, required=True, help="folder of JPEGs")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--at-least", type=int, default=400, metavar="N", help="images a round")
    parser.add_argument("--only", choices=["original", "detloop"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(run_one_way(options.only, options.model, options.images))
        return
    images = sorted(path.resolve() for path in options.images.glob("*.jpg"))
    if not images:
        parser.error(f"--images {options.images}: no .jpg there")
    with tempfile.TemporaryDirectory(prefix="bench-detect-") as folder:
        measure(options.model, images, options.rounds, options.at_least, Path(folder))


if __name__ == "__main__":
    main()
