"""Trainings that are told to stop, or are stopped, and go on: as if nothing had happened."""

import csv
import re
import signal
import statistics
import subprocess
import time
from pathlib import Path

import pytest

from tests.killed import DETLOOP, PATIENCE_SECONDS
from tests.train.tiny_configs import draw_records, write_ssd_config

pytestmark = pytest.mark.heavy

EXIT_CODE, EXIT_WITHIN_SECONDS = 75, 30
FALLING_RATE = (
    "train_config.optimizer={ momentum_optimizer { learning_rate { cosine_decay_learning_rate {"
    " learning_rate_base: 0.02 total_steps: 120 warmup_learning_rate: 0.005 warmup_steps: 10 } }"
    " momentum_optimizer_value: 0.9 } use_moving_average: false }"
)


def train_command(folder: Path, generation: str, output: Path, steps: int) -> list[str]:
    command = ["train", "--config", folder / f"{generation}.config", "--records", folder / "records"]
    command += ["--output", output, "--steps", steps, "--checkpoint-every", 1000, "--set", FALLING_RATE]
    return [*DETLOOP, *map(str, command), "--evaluate-every", "0"]


def log_of(output: Path) -> list[dict[str, str]]:
    if not (output / "training_log.csv").exists():
        return []
    with (output / "training_log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def interrupt_at(command: list[str], output: Path, step: int) -> int:
    """Starts a training, sends it SIGTERM when it has come to a step, and gives the step its checkpoint is of."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < deadline and len(log_of(output)) < step:
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    told = time.monotonic()
    _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == EXIT_CODE, said
    assert time.monotonic() - told < EXIT_WITHIN_SECONDS
    stopped_at = int(re.search(r"stopped by SIGTERM at step (\d+)", said)[1])
    assert list((output / "checkpoints").glob(f"*ckpt-{stopped_at}.index"))
    return stopped_at


@pytest.mark.parametrize("generation", ["tf1", "tf2"])
def test_a_training_interrupted_three_times_is_like_one_that_was_not(tmp_path, generation):
    draw_records(tmp_path)
    write_ssd_config(tmp_path, generation)
    steps = 120
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    subprocess.run(train_command(tmp_path, generation, whole, steps), check=True, capture_output=True)
    command = train_command(tmp_path, generation, parts, steps)
    for step in (25, 50, 75):
        assert step <= interrupt_at(command, parts, step) < step + 10
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert re.search(r"resumed at 7\d|resumed at 8\d", done.stdout)

    one, other = log_of(whole), log_of(parts)
    assert [row["step"] for row in other] == [str(step) for step in range(1, steps + 1)]
    assert [row["learning_rate"] for row in other] == [row["learning_rate"] for row in one]
    for begin in range(20, steps, 20):
        losses, others = ([float(row["loss"]) for row in rows[begin : begin + 20]] for rows in (one, other))
        noise = max(statistics.pstdev(losses), statistics.pstdev(others))
        assert abs(statistics.mean(losses) - statistics.mean(others)) < 2 * noise


def test_a_signal_while_the_model_is_built_ends_the_command(tmp_path):
    draw_records(tmp_path)
    write_ssd_config(tmp_path, "tf1")
    command = train_command(tmp_path, "tf1", tmp_path / "training", 50)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "building" in line:
            break
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    told = time.monotonic()
    said = process.communicate(timeout=PATIENCE_SECONDS)[1]
    assert process.returncode == EXIT_CODE
    assert "stopped by SIGTERM" in said
    assert time.monotonic() - told < EXIT_WITHIN_SECONDS
