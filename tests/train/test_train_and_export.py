"""A training of each generation: killed, resumed, finished, exported, and detecting with the export."""

import csv
import re
import subprocess
from pathlib import Path

import pytest

from detloop.detections import read_detections, read_image_rows
from tests.killed import DETLOOP, kill_once
from tests.train.tiny_configs import draw_records, write_ssd_config

STEPS = 40


def detloop(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*DETLOOP, *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("generation", ["tf1", "tf2"])
def test_a_killed_training_goes_on_and_its_export_detects(tmp_path, generation):
    records, config = draw_records(tmp_path), write_ssd_config(tmp_path, generation)
    training, exported = tmp_path / "training", tmp_path / "exported"
    train = ["train", "--config", config, "--records", records, "--output", training]
    train += ["--steps", STEPS, "--checkpoint-every", 5]

    kill_once(lambda: any((training / "checkpoints").glob("*.index")), *train)
    resumed = detloop(*train)
    assert resumed.returncode == 0, resumed.stderr
    at = int(re.search(r"resumed at (\d+)", resumed.stdout)[1])
    assert 0 < at < STEPS
    assert at % 5 == 0
    losses = losses_by_step(training)
    assert list(losses) == list(range(1, STEPS + 1))
    assert sum(losses[step] for step in range(STEPS - 4, STEPS + 1)) < sum(losses[step] for step in range(1, 6)) / 2
    assert [path.stem for path in training.glob(f"checkpoints/*ckpt-{STEPS}.index")]

    export = ["export", "--config", training / "pipeline.config", "--checkpoint", training]
    export += ["--output", exported, "--images", tmp_path / "images"]
    kill_once(lambda: exported.with_name("exported.partial").exists(), *export)
    assert not exported.exists()
    done = detloop(*export)
    assert done.returncode == 0, done.stderr
    assert not exported.with_name("exported.partial").exists()
    difference = float(re.search(r"differ by at most (\S+)", done.stdout)[1])
    assert difference <= 1e-3
    assert (exported / "frozen_inference_graph.pb").exists() == (generation == "tf1")

    detections = tmp_path / "student" / "detections.csv"
    done = detloop(
        "detect", "--model", exported / "saved_model", "--label-map", exported / "label_map.pbtxt",
        "--images", tmp_path / "images", "--output", detections, "--threshold", 0.01,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {name for image in read_detections(detections) for name in image.class_names} == {"thing"}
    assert len(list(read_image_rows(detections.with_name("images.csv")))) == 12


def losses_by_step(training: Path) -> dict[int, float]:
    with (training / "training_log.csv").open(newline="") as file:
        return {int(row["step"]): float(row["loss"]) for row in csv.DictReader(file)}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--steps", "5", "--set", "train_config.batch_size=8"], "holds a training of another config"),
        (["--checkpoint", "nowhere.pb"], "no such checkpoint"),
        (["--set", "model.ssd.num_classes=7"], "num_classes is 7"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_line(tmp_path, options, said):
    records, config = draw_records(tmp_path), write_ssd_config(tmp_path, "tf1")
    training = tmp_path / "training"
    (training / "checkpoints").mkdir(parents=True)
    (training / "pipeline.config").write_text(config.read_text())
    (training / "checkpoints" / "model.ckpt-5.index").write_bytes(b"")
    done = detloop("train", "--config", config, "--records", records, "--output", training, *options)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert said in done.stderr


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    records, config = draw_records(tmp_path), write_ssd_config(tmp_path, "tf1")
    precious = tmp_path / "training" / "precious.txt"
    precious.parent.mkdir()
    precious.write_text("mine")
    done = detloop("train", "--config", config, "--records", records, "--output", precious.parent, "--no-resume")
    assert done.returncode == 1
    assert "holds other files" in done.stderr
    assert precious.read_text() == "mine"
