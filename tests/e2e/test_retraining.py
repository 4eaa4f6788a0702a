"""The whole loop three times on one machine: on all images, on ten new ones, and on nothing new."""

import csv
import json
import re
import subprocess
from pathlib import Path

import pytest

from detloop.listing import read_listing
from detloop.promotion import Champion, read_champion
from tests.drawn import BLUE, RED, draw_image
from tests.killed import DETLOOP
from tests.train.tiny_configs import write_ssd_config

pytestmark = pytest.mark.heavy
BLOCK_IMAGES = 32
FIRST_IMAGES, NEW_IMAGES = BLOCK_IMAGES + 8, 10


def draw(folder: Path, numbers: range) -> None:
    for number in numbers:
        x = 4 + 3 * number % 40
        draw_image(folder / f"{number:04}.png", [(x, 8, x + 40, 52)], color=RED if number % 2 else BLUE)


def run(folder: Path, frozen_graph: Path, label_map: Path, *options: object) -> subprocess.CompletedProcess[str]:
    arguments = ["--images", folder / "images", "--model", frozen_graph, "--label-map", label_map, "--first", 6]
    arguments += ["--config", folder / "student.config", "--promoted", folder / "promoted", "--output", folder / "out"]
    arguments += ["--steps", 4, "--batch-size", 2, *options]
    done = subprocess.run([*DETLOOP, "run", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def steps_of(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The steps that ran, each of which has its name on a line of its own."""
    return [line for line in done.stderr.splitlines() if line and not line.startswith(" ")]


def champion_of(folder: Path) -> Champion:
    champion = read_champion(str(folder / "promoted"))
    assert champion is not None
    return champion


def looked_at(folder: Path, side: str) -> list[str]:
    with (folder / "out" / side / "images.csv").open(newline="") as file:
        return [row["filename"] for row in csv.DictReader(file)]


def test_a_run_learns_what_is_new_from_where_the_champion_is(
    tmp_path: Path, frozen_graph: Path, color_label_map: Path
) -> None:
    draw(tmp_path / "images", range(FIRST_IMAGES))
    config = write_ssd_config(tmp_path, "tf2")
    config.rename(tmp_path / "student.config")

    first = run(tmp_path, frozen_graph, color_label_map, "--shards", 3)
    assert steps_of(first).count("detect-2") == steps_of(first).count("detect-4") == 2
    assert "promoted as the first champion" in first.stderr
    of_first = champion_of(tmp_path)
    assert len(list(read_listing(of_first.listing()))) == FIRST_IMAGES
    for side in ("teacher", "student"):
        assert looked_at(tmp_path, side) == [f"{number:04}.png" for number in range(FIRST_IMAGES)]

    draw(tmp_path / "images", range(FIRST_IMAGES, FIRST_IMAGES + NEW_IMAGES))
    second = run(tmp_path, frozen_graph, color_label_map, "--least-gain", -1)
    assert f"the champion is {of_first.version}" in second.stderr
    assert {"detect", "detect-3"} < set(steps_of(second))
    assert not {"collect", "detect-2"} & set(steps_of(second))
    for side in ("teacher", "student"):
        assert looked_at(tmp_path, side) == [f"{FIRST_IMAGES + number:04}.png" for number in range(NEW_IMAGES)]
    configs = [path.read_text() for path in tmp_path.glob("out/pipeline/**/training/pipeline.config")]
    assert sum(f"versions/{of_first.version}/model/saved_model" in text for text in configs) == 1
    loaded, variables = map(int, re.findall(r"started from model: (\d+) of (\d+) variables", second.stderr)[0])
    assert loaded == variables
    of_second = champion_of(tmp_path)
    assert of_second.version != of_first.version
    assert len(list(read_listing(of_second.listing()))) == FIRST_IMAGES + NEW_IMAGES
    assert json.loads((tmp_path / "out/metrics.json").read_text())["images"] == NEW_IMAGES - 6

    third = run(tmp_path, frozen_graph, color_label_map)
    assert steps_of(third) == ["select"]
    assert "there was nothing to do" in third.stdout
    assert champion_of(tmp_path) == of_second
