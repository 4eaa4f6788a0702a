"""The quick demo and the README's commands, run as a reader would run them."""

import csv
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from demo.film import find_film
from detloop.detections import ImageDetections, read_detections, read_image_rows
from detloop.errors import DetloopError

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).resolve().parents[2]
QUICK_FRAMES, QUICK_STEPS = 60, 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder in which the quick demo has run, with the README's `demo/` and `out/` in it."""
    try:
        film = find_film(None, ROOT / "out" / "film")
    except DetloopError as error:
        pytest.skip(f"no film: {error}")
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "demo").symlink_to(ROOT / "demo")
    (folder / "out" / "film").mkdir(parents=True)
    (folder / "out" / "film" / film.name).symlink_to(film.resolve())
    done = run_in(folder, [sys.executable, "-m", "demo.demo", "--quick"])
    assert done.returncode == 0, done.stderr
    return folder


def run_in(folder: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def demo(folder) -> Path:
    return folder / "out" / "demo-quick"


@pytest.mark.parametrize("side", ["teacher", "student"])
def test_every_frame_was_looked_at(demo, side):
    rows = list(read_image_rows(demo / side / "images.csv"))
    assert [row.filename for row in rows] == [f"{number:06d}.jpg" for number in range(1, QUICK_FRAMES + 1)]
    assert {(row.width, row.height, row.error) for row in rows} == {(768, 576, "")}


def test_the_student_finds_what_its_teacher_found(demo):
    teacher = {image.filename: image for image in read_detections(demo / "teacher" / "detections.csv")}
    student = {image.filename: image for image in read_detections(demo / "student" / "detections.csv")}
    boxes = sum(len(image) for image in teacher.values())
    assert boxes > QUICK_FRAMES
    found = sum(found_boxes(image, student[name]) for name, image in teacher.items() if name in student)
    assert found / boxes > 0.5


def found_boxes(teacher: ImageDetections, student: ImageDetections) -> int:
    """How many of the teacher's boxes a box of the student overlaps by an IoU above 0.5."""
    one, other = teacher.boxes_px[:, np.newaxis], student.boxes_px[np.newaxis]
    edges = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2])
    shared = edges.clip(0).prod(axis=-1)
    areas = [(boxes[..., 2:] - boxes[..., :2]).prod(axis=-1) for boxes in (one, other)]
    return int((shared / (areas[0] + areas[1] - shared) > 0.5).any(axis=1).sum())


def test_the_loss_fell_over_all_steps(demo):
    log = next(demo.glob("pipeline/**/training_log.csv"))
    with log.open(newline="") as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert len(losses) == QUICK_STEPS
    assert np.mean(losses[-5:]) < np.mean(losses[:5])


def test_both_exports_detect_the_same(demo):
    from detloop.engine import open_engine
    from detloop.images import decode_rgb

    image = decode_rgb((demo / "frames" / "000030.jpg").read_bytes())[np.newaxis]
    forms = ("model/frozen_inference_graph.pb", "model/saved_model")
    frozen, saved = (open_engine(demo / form).detect(image) for form in forms)
    sure = frozen.scores[0] > 0.1
    assert sure.sum() >= 2
    np.testing.assert_allclose(frozen.scores[0][sure], saved.scores[0][sure], atol=1e-3)
    np.testing.assert_allclose(frozen.boxes[0][sure], saved.boxes[0][sure], atol=1e-3)


def test_the_results_lie_where_the_summary_says(demo):
    metrics = json.loads((demo / "metrics.json").read_text())
    assert 0 < metrics["AP50"] <= 1
    page = (demo / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") == 20
    assert len(page) < 5 * 2**20


def test_the_same_run_again_takes_the_earlier_results(folder, demo):
    done = run_in(folder, [sys.executable, "-m", "demo.demo", "--quick"])
    assert done.returncode == 0, done.stderr
    assert "earlier" in done.stdout
    assert len(list(demo.glob("pipeline/**/training_log.csv"))) == 1


def readme_commands() -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def test_the_readme_shows_every_command():
    assert {command.split()[1] for command in readme_commands()} == {
        "zoo",
        "frames",
        "detect",
        "records",
        "train",
        "export",
        "evaluate",
        "run",
        "compile",
    }


def test_the_readmes_commands_work_in_their_order(folder):
    for command in readme_commands():
        done = run_in(folder, shlex.split(command))
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        assert done.stdout.strip(), command
