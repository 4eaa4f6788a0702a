"""What makes labels worth training on, measured: `make study LABELS=...`, or `python -m tools.study ROW ...` for some.

A teacher labels frames 301 to 600 of the demo's film in several ways, a student learns from each, and both are measured
on frames 1 to 300, which have human labels and which no student was trained on. Rows that were measured are kept.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from demo.film import find_film
from demo.teacher import find_teacher
from detloop.detections import read_detections
from detloop.errors import DetloopError
from detloop.evaluate.coco import coco_metrics
from detloop.store import remove_folder, write_file_whole
from tools.empty_scenes import write_empty_scenes
from tools.study_rows import ROWS, Row

CONFIG = Path("demo") / "pipeline.config"
OUTPUT = Path("out") / "study"
FRAMES = OUTPUT / "frames"
MEASURED, LEARNED = range(1, 301), range(301, 601)
FRAMES_THAT_TRAIN = 285
"""The others, the film's last, are the records' valid side, from which nothing is learned."""

LEAST_SCORE = 0.05
"""Boxes that score lower hardly change an average precision."""


@dataclass(frozen=True)
class Source:
    """What every row starts from.

    Attributes:
        model, label_map: the teacher.
        measured: manifest of the frames to measure on.
        truth: the human labels of the measured frames.
    """

    model: Path
    label_map: Path
    measured: Path
    truth: Path


@dataclass(frozen=True)
class Measured:
    """What one row gave.

    Attributes:
        labels_ap50: of the teacher's boxes, made as those learned from, on the measured frames.
        labels_seconds: for labelling the frames to learn from.
        boxes: learned from.
        student_ap50, student_ap: of the student's single pass on the measured frames.
        train_seconds: from the start of the command to its end.
    """

    labels_ap50: float
    labels_seconds: float
    boxes: int
    student_ap50: float
    student_ap: float
    train_seconds: float


def main() -> int:
    options = parse_options()
    unknown = sorted(set(options.rows) - set(ROWS))
    if unknown:
        print(f"study: error: no row {', '.join(unknown)}; there are {', '.join(ROWS)}", file=sys.stderr)
        return 2
    try:
        source = prepare(options.labels, options.video)
        for name in options.rows or ROWS:
            row = ROWS[name]
            if read_result(row) is None:
                print(f"{name} ...", flush=True)
                write_result(row, measure(row, source))
                print(table_line(row), flush=True)
        print(f"\n{write_table()}")
    except (DetloopError, OSError) as error:
        print(f"study: error: {error}", file=sys.stderr)
        return 1
    return 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="default: all that were not measured yet")
    parser.add_argument("--labels", type=Path, required=True, help="human labels (CSV) of the film's frames 1 to 300")
    parser.add_argument("--video", type=Path, help="the film vtest.avi, where it is already here")
    return parser.parse_args()


def prepare(truth: Path, video: Path | None) -> Source:
    """Frames, manifests and teacher.

    Raises:
        DetloopError: the film, the teacher or the human labels are not what they should be.
    """
    labelled = {image.filename for image in read_detections(truth)}
    strangers = sorted(labelled - {frame_name(number) for number in MEASURED})
    if strangers:
        raise DetloopError(
            f"{truth}: labels {strangers[0]}, which is none of the frames {MEASURED[0]} to {MEASURED[-1]}"
        )
    film = find_film(video, Path("out") / "film")
    model, label_map = find_teacher(OUTPUT)
    if not FRAMES.exists():
        detloop(OUTPUT, "frames", "--video", film, "--output", FRAMES, "--first", LEARNED[-1])
    return Source(model, label_map, write_manifest("measured", map(frame_name, MEASURED)), truth)


def images_to_learn(empty_images: int) -> Path:
    """The manifest of the frames to learn from, and before them so many images without people."""
    frames = [frame_name(number) for number in LEARNED]
    empty = [f"{MEASURED[-1]:06d}-empty-{number:02d}.jpg" for number in range(1, empty_images + 1)]
    if empty:
        write_empty_scenes([FRAMES / name for name in frames], [FRAMES / name for name in empty])
    return write_manifest(f"learned-{empty_images}-empty" if empty else "learned", [*empty, *frames])


def frame_name(number: int) -> str:
    return f"{number:06d}.jpg"


def write_manifest(name: str, images: Iterable[str]) -> Path:
    path = FRAMES / f"{name}.txt"
    path.write_text("".join(f"{image}\n" for image in images), encoding="utf-8")
    return path


def measure(row: Row, source: Source) -> Measured:
    """Labels, trains and measures with the commands of a user; rows share labels of the same options."""
    labels, learned = OUTPUT / "labels" / slug(row.views), images_to_learn(row.empty_images)
    labels_seconds = once(labels / learned.stem, lambda folder: label(folder, row.views, source, learned))
    once(labels / "measured", lambda folder: label(folder, row.views, source, source.measured))
    student = OUTPUT / "students" / row.name
    records = student / "records"
    once(records, lambda folder: write_records(folder, row, labels / learned.stem, learned))
    train_seconds = once(student / "training", lambda folder: train(folder, row, records, source))
    once(student / "detected", lambda folder: export_and_detect(folder, student / "training", learned, source))
    labels_stats = stats(source.truth, labels / "measured" / "detections.csv")
    student_stats = stats(source.truth, student / "detected" / "detections.csv")
    return Measured(
        labels_ap50=labels_stats["AP50"],
        labels_seconds=labels_seconds,
        boxes=boxes_learned(records),
        student_ap50=student_stats["AP50"],
        student_ap=student_stats["AP"],
        train_seconds=train_seconds,
    )


def slug(options: Sequence[str]) -> str:
    """A folder's name that tells the options."""
    return "_".join(option.lstrip("-") for option in options) or "none"


def once(folder: Path, make: Callable[[Path], None]) -> float:
    """Makes a folder's content from nothing, unless that was finished before; the seconds it took."""
    finished = folder / "seconds.txt"
    if not finished.exists():
        remove_folder(folder)
        folder.mkdir(parents=True)
        began = time.monotonic()
        make(folder)
        finished.write_text(f"{time.monotonic() - began:.1f}\n", encoding="utf-8")
    return float(finished.read_text(encoding="utf-8"))


def label(folder: Path, views: Sequence[str], source: Source, images: Path) -> None:
    detloop(
        folder, "detect", "--model", source.model, "--label-map", source.label_map, "--images", images,
        "--output", folder / "detections.csv", "--threshold", LEAST_SCORE, *views,
    )  # fmt: skip


def write_records(folder: Path, row: Row, labels: Path, images: Path) -> None:
    images_that_train = FRAMES_THAT_TRAIN + row.empty_images
    detloop(
        folder, "records", "--detections", labels / "detections.csv", "--images", images,
        "--output", folder / "records", "--classes", "person", "--first", images_that_train, *row.trust,
    )  # fmt: skip


def train(folder: Path, row: Row, records: Path, source: Source) -> None:
    sets = [argument for override in row.overrides for argument in ("--set", override)]
    schedule = "train_config.optimizer.momentum_optimizer.learning_rate.cosine_decay_learning_rate.total_steps"
    detloop(
        folder, "train", "--config", CONFIG, "--records", records / "records", "--output", folder / "training",
        "--checkpoint", source.model, "--steps", row.steps, "--checkpoint-every", row.steps, "--evaluate-every", 0,
        "--set", f"{schedule}={row.steps}", *sets,
    )  # fmt: skip


def export_and_detect(folder: Path, training: Path, images: Path, source: Source) -> None:
    exported = folder / "exported"
    detloop(
        folder, "export", "--config", training / "training" / "pipeline.config", "--checkpoint", training / "training",
        "--output", exported, "--images", images, "--format", "frozen_graph",
    )  # fmt: skip
    detloop(
        folder, "detect", "--model", exported, "--label-map", exported / "label_map.pbtxt", "--images", source.measured,
        "--output", folder / "detections.csv", "--threshold", LEAST_SCORE,
    )  # fmt: skip


def stats(truth: Path, detections: Path) -> dict[str, float]:
    metrics = coco_metrics(read_detections(truth), read_detections(detections))
    return {name: value or 0.0 for name, value in metrics.stats.items()}


def boxes_learned(records: Path) -> int:
    """Objects on the train side; source: the boxes column of split.csv."""
    lines = (records / "records" / "split.csv").read_text(encoding="utf-8").splitlines()[1:]
    return sum(int(line.rsplit(",", 1)[1]) for line in lines if ",train," in line)


def detloop(folder: Path, command: str, *arguments: object) -> None:
    """Runs a detloop command in a process of its own, which holds one generation; what it says goes to a log.

    Raises:
        DetloopError: the command failed.
    """
    log = folder / f"{command}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:
        full = [sys.executable, "-m", "detloop.cli", command, *map(str, arguments)]
        done = subprocess.run(full, stdout=file, stderr=subprocess.STDOUT, check=False)  # noqa: S603
    if done.returncode:
        lines = log.read_text(encoding="utf-8").strip().splitlines()
        raise DetloopError(f"{command}: {lines[-1] if lines else 'no reason given'} ({log})")


def result_path(row: Row) -> Path:
    return OUTPUT / "students" / row.name / "result.json"


def write_result(row: Row, measured: Measured) -> None:
    with write_file_whole(result_path(row)) as partial:
        content = {"settings": settings(row), "measured": asdict(measured)}
        partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read_result(row: Row) -> Measured | None:
    """What was measured of this very row; None where nothing was, or with other settings."""
    path = result_path(row)
    if not path.exists():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    return Measured(**content["measured"]) if content["settings"] == settings(row) else None


def settings(row: Row) -> dict[str, object]:
    """What the row's figures depend on, as JSON gives it back."""
    return {name: value for name, value in json.loads(json.dumps(asdict(row))).items() if name not in ("name", "says")}


HEAD = "| row | what differs | steps | labels' AP50 | boxes | student's AP50 | AP | labelling, s | training, s |"
RULE = "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"


def table_line(row: Row) -> str:
    """One line of the table; empty where the row was not measured."""
    measured = read_result(row)
    if measured is None:
        return ""
    cells = [
        row.name, row.says, f"{row.steps}", f"{measured.labels_ap50:.3f}", f"{measured.boxes}",
        f"**{measured.student_ap50:.3f}**", f"{measured.student_ap:.3f}", f"{measured.labels_seconds:.0f}",
        f"{measured.train_seconds:.0f}",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def write_table() -> str:
    """All rows that were ever measured, as out/study/table.md."""
    lines = [HEAD, RULE, *filter(None, map(table_line, ROWS.values()))]
    table = "\n".join(lines) + "\n"
    (OUTPUT / "table.md").write_text(table, encoding="utf-8")
    return table


if __name__ == "__main__":
    sys.exit(main())
