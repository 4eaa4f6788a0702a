"""The metrics as a Markdown table."""

import json
from pathlib import Path

from detloop.report import write_markdown
from tests.report.test_comparison import METRICS


def test_a_row_for_all_classes_and_one_for_each(tmp_path: Path) -> None:
    metrics, output = tmp_path / "metrics.json", tmp_path / "summary.md"
    odd = {**METRICS["per_class"][0], "class": "a|b <i>c</i>\nd", "AP": None}  # type: ignore[index]
    metrics.write_text(json.dumps(METRICS | {"per_class": [odd]}))
    write_markdown(metrics=metrics, output=output)
    header, _, overall, odd_row, _, words = output.read_text().splitlines()
    assert header == "| class | AP | AP50 | AP75 | AR100 | labelled boxes | detected boxes |"
    assert overall == "| **all** | 0.432 | 0.812 | - | 0.500 | 1,234 | 1,100 |"
    assert odd_row == r"| a\|b \<i\>c\</i\> d | - | 0.812 | - | 0.500 | 1,234 | 1,100 |"
    assert "120 validation images against the teacher's labels" in words
