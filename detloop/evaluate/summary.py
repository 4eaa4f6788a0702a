"""What an evaluation found, and the files it writes it to."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

from detloop.csv_rows import open_csv_for_writing
from detloop.evaluate.coco import CocoMetrics
from detloop.store import write_file_whole

SHOWN_CLASSES = 20
PER_CLASS_COLUMNS = ("class", "AP", "AP50", "AR100", "ground_truth_boxes", "detected_boxes")


@dataclass(frozen=True)
class EvaluateSummary:
    """The metrics of one evaluation and the folder that holds them."""

    output: Path
    metrics: CocoMetrics

    def __str__(self) -> str:
        metrics = self.metrics
        stats = ", ".join(f"{name} {_shown(metrics.stats[name])}" for name in ("AP", "AP50", "AP75", "AR100"))
        lines = [f"{stats} on {metrics.images} images; written to {self.output / 'metrics.json'}", *self._table()]
        if metrics.unmeasured_images:
            lines.append(
                f"left out {metrics.unmeasured_boxes} detected boxes on {metrics.unmeasured_images} images that the"
                " ground truth does not name"
            )
        if metrics.classes_without_ground_truth:
            names = ", ".join(metrics.classes_without_ground_truth)
            lines.append(f"warning: detected, but not in the ground truth and so not measured: {names}")
        return "\n".join(lines)

    def _table(self) -> list[str]:
        shown = self.metrics.per_class[:SHOWN_CLASSES]
        width = max((len(entry.name) for entry in shown), default=0)
        width = max(width, len("class"))
        lines = [f"{'class':<{width}}     AP   AP50  AR100  labelled  detected"]
        for entry in shown:
            figures = "".join(f"{_shown(value):>7}" for value in (entry.ap, entry.ap50, entry.ar100))
            lines.append(f"{entry.name:<{width}}{figures}  {entry.ground_truth_boxes:>8}  {entry.detected_boxes:>8}")
        if len(self.metrics.per_class) > len(shown):
            lines.append(f"... {len(self.metrics.per_class) - len(shown)} more in {self.output / 'per_class.csv'}")
        return lines

    def metadata(self) -> dict[str, int | float | str]:
        """The figures for a pipeline artifact; those that could not be measured are left out."""
        numbers = {name: value for name, value in _numbers(self.metrics).items() if value is not None}
        return dict(numbers)


def write_metrics(output: Path, metrics: CocoMetrics) -> EvaluateSummary:
    """Writes output/per_class.csv and output/metrics.json; what could not be measured is empty there, and null here."""
    with write_file_whole(output / "per_class.csv") as partial, open_csv_for_writing(partial) as file:
        rows = csv.DictWriter(file, PER_CLASS_COLUMNS, lineterminator="\n")
        rows.writeheader()
        rows.writerows(_class_rows(metrics))
    content = {**_numbers(metrics), "per_class": _class_rows(metrics)}
    with write_file_whole(output / "metrics.json") as partial:
        partial.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return EvaluateSummary(output, metrics)


def _numbers(metrics: CocoMetrics) -> dict[str, float | int | None]:
    return {
        **metrics.stats,
        "images": metrics.images,
        "ground_truth_boxes": metrics.ground_truth_boxes,
        "detected_boxes": metrics.detected_boxes,
        "unmeasured_images": metrics.unmeasured_images,
        "unmeasured_boxes": metrics.unmeasured_boxes,
    }


def _class_rows(metrics: CocoMetrics) -> list[dict[str, str | float | int | None]]:
    return [
        dict(
            zip(
                PER_CLASS_COLUMNS,
                (entry.name, entry.ap, entry.ap50, entry.ar100, entry.ground_truth_boxes, entry.detected_boxes),
                strict=True,
            )
        )
        for entry in metrics.per_class
    ]


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
