"""Images, exported models and metrics as a run leaves them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from detloop.labels import LabelMap, write_label_map
from tests.drawn import draw_image

Export = Callable[..., Path]
Metrics = Callable[..., Path]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for number in range(40):
        draw_image(tmp_path / f"images/{number:02}.png")
    return tmp_path / "images"


@pytest.fixture
def export(tmp_path: Path) -> Export:
    """Makes a folder with what an export has; `weights` tell one model from another."""

    def make(weights: str = "first", names: tuple[str, ...] = ("person", "car")) -> Path:
        folder = tmp_path / "exports" / weights
        (folder / "saved_model/variables").mkdir(parents=True)
        (folder / "saved_model/variables/variables.data-00000-of-00001").write_text(weights)
        write_label_map(LabelMap.of_names(names), folder / "label_map.pbtxt")
        return folder

    return make


@pytest.fixture
def metrics(tmp_path: Path) -> Metrics:
    """Writes a metrics.json."""

    def make(name: str, ap: float | None) -> Path:
        path = tmp_path / name / "metrics.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"AP": ap, "AP50": 0.9, "images": 12, "per_class": []}))
        return path

    return make
