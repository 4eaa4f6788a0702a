"""Every model family in configs/, proven: `make families`, or `python -m tools.families [NAME ...]` for some.

Each family trains a few steps from random weights on drawn shapes at a small input size, is exported, and detects with
the export. A family passes when its loss fell to LARGEST_LOSS_LEFT and what the export found reaches LEAST_AP50.
"""

import csv
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detloop.detections import read_detections
from detloop.errors import DetloopError
from detloop.evaluate.coco import coco_metrics
from detloop.train.odapi.config import PipelineConfig, architecture_of, generation_of, read_config
from tools.drawn_shapes import draw_shapes
from tools.family_settings import FAMILIES, Family

CONFIGS = Path("configs")
OUTPUT = Path("out") / "families"
ROW_NAME = "row.md"
DETLOOP = ("detloop.cli",)
LARGEST_LOSS_LEFT = 0.8
"""The share of the first loss that the last may have."""
LEAST_AP50 = 0.1
"""What the export must reach on the drawn images, which it was trained on; trainings in vain gave 0.00 to 0.03."""


@dataclass(frozen=True)
class Result:
    """What one family's run gave.

    Attributes:
        first_loss, last_loss: medians over the first and last tenth of the steps.
        boxes: how many the export found above the threshold in the drawn images.
        ap50: COCO's average precision of these boxes at an IoU of 0.5.
        failure: why the family failed; empty when it passed.
    """

    family: Family
    generation: str
    first_loss: float = float("nan")
    last_loss: float = float("nan")
    boxes: int = 0
    ap50: float = float("nan")
    seconds: float = 0.0
    failure: str = ""


class StepError(Exception):
    """A detloop command failed; says why in one line."""


def main(names: Sequence[str]) -> int:
    unknown = sorted(set(names) - set(FAMILIES))
    if unknown:
        print(f"no family {', '.join(unknown)}; there are {', '.join(FAMILIES)}", file=sys.stderr)
        return 2
    records = write_records()
    failed = False
    for name in names or FAMILIES:
        print(f"{name} ...", flush=True)
        result = prove(FAMILIES[name], records)
        failed |= bool(result.failure)
        print(row(result), flush=True)
        (OUTPUT / name / ROW_NAME).write_text(row(result) + "\n", encoding="utf-8")
    print(f"\n{write_table()}")
    return int(failed)


def write_table() -> str:
    """The newest result of every family that was ever run, as out/families/table.md."""
    rows = [OUTPUT / name / ROW_NAME for name in FAMILIES]
    lines = [HEAD, RULE, *(path.read_text(encoding="utf-8").strip() for path in rows if path.exists())]
    table = "\n".join(lines) + "\n"
    (OUTPUT / "table.md").write_text(table, encoding="utf-8")
    return table


def write_records() -> Path:
    """Draws the images and writes their records; the records' folder."""
    draw_shapes(OUTPUT / "drawn")
    detections, images = OUTPUT / "drawn" / "detections.csv", OUTPUT / "drawn" / "images"
    records = OUTPUT / "drawn" / "records"
    detloop(OUTPUT / "drawn", "records", "--detections", detections, "--images", images, "--output", records)
    return records


def prove(family: Family, records: Path) -> Result:
    """Trains, exports and detects; what failed is told in the result."""
    folder, began = OUTPUT / family.name, time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    path = CONFIGS / f"{family.name}.config"
    config = read_config(path)
    measured: dict[str, Any] = {}
    failure = ""
    try:
        train(family, config, path, records, folder)
        measured["first_loss"], measured["last_loss"] = first_and_last_loss(folder / "training" / "training_log.csv")
        measured["boxes"], measured["ap50"] = export_and_detect(folder, family.threshold)
        failure = verdict(**measured)
    except (StepError, DetloopError, OSError) as error:
        failure = str(error)
    return Result(family, generation_of(config), seconds=time.monotonic() - began, failure=failure, **measured)


def verdict(first_loss: float, last_loss: float, boxes: int, ap50: float) -> str:
    if not last_loss < first_loss * LARGEST_LOSS_LEFT:
        return "the loss did not fall"
    if not boxes:
        return "the export found nothing"
    return "" if ap50 >= LEAST_AP50 else f"AP50 below {LEAST_AP50}"


def train(family: Family, config: PipelineConfig, path: Path, records: Path, folder: Path) -> None:
    sets = [argument for value in overrides(family, config) for argument in ("--set", value)]
    program = ("tools.fast_batch_norm", generation_of(config)) if family.fast_batch_norm else DETLOOP
    detloop(
        folder, "train", "--config", path, "--records", records, "--output", folder / "training", "--no-resume",
        "--steps", family.steps, "--batch-size", family.batch_size, "--checkpoint-every", family.steps,
        "--evaluate-every", 0, *sets, program=program,
    )  # fmt: skip


def overrides(family: Family, config: PipelineConfig) -> list[str]:
    """The config's fields that change: random weights to start from, a small input, a high learning rate held level."""
    model = f"model.{config.model.WhichOneof('model')}"
    kind = architecture_of(config).image_resizer.WhichOneof("image_resizer_oneof")
    sides = ("height", "width") if kind == "fixed_shape_resizer" else ("min_dimension", "max_dimension")
    optimizer = "adam_optimizer" if family.adam else config.train_config.optimizer.WhichOneof("optimizer")
    rate = f"{{ constant_learning_rate {{ learning_rate: {family.learning_rate} }} }}"
    return [
        "train_config.fine_tune_checkpoint=",
        *(f"{model}.image_resizer.{kind}.{side}={family.size}" for side in sides),
        f"train_config.optimizer.{optimizer}.learning_rate={rate}",
        *family.overrides,
    ]


def first_and_last_loss(log: Path) -> tuple[float, float]:
    with log.open(newline="", encoding="utf-8") as file:
        losses = [float(line["loss"]) for line in csv.DictReader(file)]
    tenth = max(len(losses) // 10, 1)
    return statistics.median(losses[:tenth]), statistics.median(losses[-tenth:])


def export_and_detect(folder: Path, threshold: float) -> tuple[int, float]:
    """Exports the training, detects in the drawn images, and compares with what was drawn."""
    training, exported, images = folder / "training", folder / "exported", OUTPUT / "drawn" / "images"
    detections = folder / "detected" / "detections.csv"
    detloop(
        folder, "export", "--config", training / "pipeline.config", "--checkpoint", training, "--output", exported,
        "--images", images,
    )  # fmt: skip
    detloop(
        folder, "detect", "--model", exported / "saved_model", "--label-map", exported / "label_map.pbtxt",
        "--images", images, "--output", detections, "--threshold", threshold,
    )  # fmt: skip
    metrics = coco_metrics(read_detections(OUTPUT / "drawn" / "detections.csv"), read_detections(detections))
    return metrics.detected_boxes, metrics.stats["AP50"] or 0.0


def detloop(folder: Path, command: str, *arguments: object, program: Sequence[str] = DETLOOP) -> None:
    """Runs a detloop command in a process of its own, which holds one generation; what it says goes to a log.

    Args:
        program: the module, and what it takes before the command.

    Raises:
        StepError: the command failed.
    """
    log = folder / f"{command}.log"
    with log.open("w", encoding="utf-8") as file:
        full = [sys.executable, "-m", *program, command, *map(str, arguments)]
        done = subprocess.run(full, stdout=file, stderr=subprocess.STDOUT, check=False)  # noqa: S603
    if done.returncode:
        lines = log.read_text(encoding="utf-8").strip().splitlines()
        raise StepError(f"{command}: {lines[-1] if lines else 'no reason given'}")


HEAD = "| family | generation | input | steps | loss | boxes | AP50 | seconds | verdict |"
RULE = "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"


def row(result: Result) -> str:
    """One line of the table."""
    cells = [
        result.family.name,
        result.generation,
        f"{result.family.size}",
        f"{result.family.steps}",
        f"{result.first_loss:.2f} -> {result.last_loss:.2f}",
        f"{result.boxes}",
        f"{result.ap50:.2f}",
        f"{result.seconds:.0f}",
        result.failure or "passed",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
