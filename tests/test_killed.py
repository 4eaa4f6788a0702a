"""Frames and evaluation killed in the middle and run again; the other steps' kills are tested beside them."""

import json
import time
from pathlib import Path

from detloop.evaluate import evaluate_detections
from detloop.frames import write_frames
from tests.killed import kill_once
from tests.tables import write_csv
from tests.test_frames import encode_film

FRAMES, IMAGES = 400, 3000


def test_frames(tmp_path: Path) -> None:
    film, output = encode_film(tmp_path / "film.avi", FRAMES, (640, 480)), tmp_path / "frames"
    kill_once((tmp_path / "frames.partial" / "000010.jpg").exists, "frames", "--video", film, "--output", output)
    assert not output.exists()
    write_frames(video=str(film), output=output)
    assert [path.name for path in sorted(output.iterdir())] == [f"{number:06d}.jpg" for number in range(1, FRAMES + 1)]
    assert not (tmp_path / "frames.partial").exists()


def test_evaluate(tmp_path: Path) -> None:
    boxes = [(f"{number:05d}.jpg", 96, 64, "car", 0.9, 10, 10, 50, 40) for number in range(IMAGES)]
    table, output = write_csv(tmp_path / "detections.csv", boxes), tmp_path / "metrics"
    began = time.monotonic()
    kill_once(
        lambda: time.monotonic() - began > 0.6,
        *("evaluate", "--detections", table, "--ground-truth", table, "--output", output),
    )
    assert not (output / "metrics.json").exists()
    evaluate_detections(detections=table, ground_truth=table, output=output)
    assert json.loads((output / "metrics.json").read_text())["AP"] == 1
