"""The metrics as a Markdown table, which the Kubeflow Pipelines UI shows beside a step."""

import re
from pathlib import Path

from detloop.report.measured import Measured, read_metrics
from detloop.store import write_file_whole

SPECIAL_CHARACTERS = re.compile(r"([\\`*_{}\[\]()#+!|<>~&-])")


def write_markdown(*, metrics: Path, output: Path) -> None:
    """Writes the metrics of an evaluation as a Markdown table, one row for all classes and one for each.

    Args:
        metrics: the metrics.json that `detloop evaluate` wrote.
        output: the file to write.

    Raises:
        DetloopError: the metrics file is missing or no such file.
    """
    text = _table(read_metrics(metrics))
    with write_file_whole(output) as partial:
        partial.write_text(text, encoding="utf-8", errors="replace")


def _table(measured: Measured) -> str:
    overall = measured.overall
    lines = [
        "| class | AP | AP50 | AP75 | AR100 | labelled boxes | detected boxes |",
        "| :--- | ---: | ---: | ---: | ---: | ---: | ---: |",
        _row(
            "**all**",
            [overall["AP"], overall["AP50"], overall["AP75"], overall["AR100"]],
            measured.labelled_boxes,
            measured.detected_boxes,
        ),
        *(
            _row(
                _escaped(entry.name),
                [entry.ap, entry.ap50, None, entry.ar100],
                entry.labelled_boxes,
                entry.detected_boxes,
            )
            for entry in measured.per_class
        ),
        "",
        f"Measured on {measured.images:,} validation images against the teacher's labels: the figures say how closely"
        " the student reproduces its teacher.",
    ]
    return "\n".join(lines) + "\n"


def _row(name: str, figures: list[float | None], labelled: int, detected: int) -> str:
    shown = ["-" if value is None else f"{value:.3f}" for value in figures]
    return f"| {' | '.join([name, *shown, f'{labelled:,}', f'{detected:,}'])} |"


def _escaped(name: str) -> str:
    """A name on one line, with nothing in it that Markdown or HTML would take for its own."""
    return SPECIAL_CHARACTERS.sub(r"\\\1", " ".join(name.split()))
