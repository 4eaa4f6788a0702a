"""The demo's training: its peak memory and its speed.

    python -m benchmarks.bench_training --model frozen_inference_graph.pb --images FOLDER [--steps 30]

The limit is 2.5 GB; the API's own reader, which decodes eight batches of images at a time, took 5.5 GB on this config.
Labels the images with the model, writes records and trains on them in a process of its own.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from detloop.detect import detect_images
from detloop.labels import LabelMap, write_label_map
from detloop.records import write_records

MOST_GB = 2.5
CONFIG = Path(__file__).resolve().parent.parent / "demo" / "pipeline.config"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, type=Path)
    parser.add_argument("--images", required=True)
    parser.add_argument("--steps", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        records = labelled(options.model, options.images, Path(folder))
        command = [sys.executable, "-m", "detloop.cli", "train", "--config", CONFIG, "--records", records]
        command += ["--checkpoint", options.model, "--steps", options.steps, "--output", Path(folder) / "training"]
        done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, text=True, check=True)
    print(done.stdout.strip())
    peak_gb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9
    print(f"peak memory of the training: {peak_gb:.2f} GB (at most {MOST_GB})")


def labelled(model: Path, images: str, folder: Path) -> Path:
    """Records of what the model detects in the images; their folder."""
    write_label_map(LabelMap.of_names(["person"]), folder / "label_map.pbtxt")
    table = folder / "detections.csv"
    detect_images(model=str(model), label_map=str(folder / "label_map.pbtxt"), images=images, output=table)
    write_records(detections=table, images=images, output=folder / "records")
    return folder / "records"


if __name__ == "__main__":
    main()
