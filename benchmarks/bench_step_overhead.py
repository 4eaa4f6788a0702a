"""What a step costs beyond its work when the pipeline runs it: `detloop records` as a step, and as a function.

    python -m benchmarks.bench_step_overhead [--rounds 5]

The rival is the same function called in this process, its modules imported already; the step starts a process, imports
them, and has its inputs and results passed by kfp.local. The seconds of the whole run are counted, kfp.local's own
among them. Prints one line a figure, medians of the rounds in which the two alternate; exits with 1 when a step adds
more than a second.
"""

import argparse
import csv
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from kfp import dsl, local
from PIL import Image

from components.records import records
from detloop.cluster.local_run import kfp_kept_quiet
from detloop.cluster.step_process import StepProcesses
from detloop.detections import DETECTION_COLUMNS
from detloop.labels import LabelMap, write_label_map
from detloop.records import write_records

MOST_SECONDS_ADDED = 1.0
IMAGES = 50
SIZE_WH = (320, 240)


@dsl.pipeline(name="one-step")
def one_step(images: str, detections: str, label_map: str) -> dsl.Dataset:
    table = dsl.importer(artifact_uri=detections, artifact_class=dsl.Dataset)
    names = dsl.importer(artifact_uri=label_map, artifact_class=dsl.Artifact)
    return records(images=images, detections=table.output, teacher_label_map=names.output).outputs["records"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each; the median counts")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        images, detections = draw_inputs(Path(folder))
        label_map = Path(folder) / "label_map.pbtxt"
        write_label_map(LabelMap({1: "thing"}), label_map)
        local.init(local.SubprocessRunner(use_venv=False), pipeline_root=f"{folder}/pipeline")
        calls, steps = [], []
        for number in range(rounds):
            calls.append(seconds_of_call(images, detections, Path(folder) / f"records-{number}"))
            steps.append(seconds_of_step(images, detections, label_map))
    call, step = statistics.median(calls), statistics.median(steps)
    print(f"records of {IMAGES} images as a function: {call:.2f} s")
    print(f"records of {IMAGES} images as a step of the pipeline: {step:.2f} s")
    print(f"a step adds {step - call:.2f} s (at most {MOST_SECONDS_ADDED:.1f} s)")
    return int(step - call > MOST_SECONDS_ADDED)


def draw_inputs(folder: Path) -> tuple[Path, Path]:
    """Draws noise as JPEGs; gives their folder, and that of a detections table with one box on each."""
    random = np.random.default_rng(seed=0)
    images, detections = folder / "images", folder / "detections"
    images.mkdir()
    detections.mkdir()
    with open(detections / "detections.csv", "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(DETECTION_COLUMNS)
        for number in range(IMAGES):
            noise = random.integers(0, 256, (SIZE_WH[1], SIZE_WH[0], 3), dtype=np.uint8)
            Image.fromarray(noise).save(images / f"{number:03d}.jpg")
            rows.writerow([f"{number:03d}.jpg", *SIZE_WH, "thing", 0.9, 10, 10, 50, 50])
    return images, detections


def seconds_of_call(images: Path, detections: Path, output: Path) -> float:
    began = time.perf_counter()
    write_records(detections=detections / "detections.csv", images=str(images), output=output)
    return time.perf_counter() - began


def seconds_of_step(images: Path, detections: Path, label_map: Path) -> float:
    began = time.perf_counter()
    with StepProcesses().in_place(), kfp_kept_quiet():
        one_step(images=str(images), detections=str(detections), label_map=str(label_map))
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
