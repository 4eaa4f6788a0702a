"""What the config asks of a training is done, in both generations; each in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from detloop.records import write_records
from tests.tables import IMAGES_HEADER, row, write_csv
from tests.train.tiny_configs import draw_records, write_ssd_config

pytestmark = pytest.mark.heavy


def result_of(scenario: str, generation: str, folder: Path, *more: object) -> Any:
    if not (folder / "records").exists():
        draw_records(folder)
        write_ssd_config(folder, generation)
    command = [sys.executable, "-m", "tests.train.odapi.trainers", scenario, generation, folder, *more]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("generation", ["tf1", "tf2"])
def test_each_step_names_the_images_of_its_batch(tmp_path, generation):
    batches = result_of("names", generation, tmp_path)
    seen = [name for batch in batches for name in batch]
    assert [len(batch) for batch in batches] == [4] * 6
    assert set(seen) == {f"{number:03d}.jpg" for number in range(9)}


@pytest.mark.parametrize("generation", ["tf1", "tf2"])
def test_bfloat16_trains_float32_variables(tmp_path, generation):
    result = result_of("bfloat16", generation, tmp_path)
    assert sum(result["losses"][-3:]) < sum(result["losses"][:3]) / 2
    assert "bfloat16" not in result["types"]
    assert "float32" in result["types"]


@pytest.mark.parametrize("generation", ["tf1", "tf2"])
def test_gradients_are_clipped_to_the_norm(tmp_path, generation):
    moved = result_of("clipped", generation, tmp_path)
    # The momentum (0.9) of one clipped step and a second one, at a rate of 0.1.
    assert moved["clipped"] <= 2 * 0.1 * 1e-6
    assert moved["free"] > 1e-4


@pytest.mark.parametrize("generation", ["tf1", "tf2"])
def test_frozen_variables_stay_as_they_are(tmp_path, generation):
    result = result_of("frozen", generation, tmp_path)
    assert result["frozen"] > 50
    assert result["changed"] > 5
    assert result["both"] == 0


@pytest.mark.parametrize("generation", ["tf1", "tf2"])
def test_a_checkpoint_holds_the_moving_average_under_the_weights_names(tmp_path, generation):
    result = result_of("averages", generation, tmp_path)
    assert result["pairs"] > 50
    assert result["largest_error"] < 1e-5
    assert result["apart"] > 1e-5


def test_two_devices_share_a_batch_and_the_weights(tmp_path):
    result = result_of("two_devices", "tf2", tmp_path)
    assert (result["replicas"], result["images_a_step"]) == (2, 4)
    assert sum(result["losses"][-3:]) < sum(result["losses"][:3]) / 2
    assert Path(result["checkpoint"] + ".index").exists()


@pytest.mark.parametrize("generation", ["tf1", "tf2"])
def test_weights_of_another_class_count_leave_only_the_class_heads_out(tmp_path, generation):
    result_of("averages", generation, tmp_path)
    (index, _) = sorted((tmp_path / "checkpoints").glob("*.index"))
    said = result_of("warm_start", generation, tmp_path, index.with_suffix(""))
    assert "324 variables loaded" in said
    assert "312 of 324" in said
    assert "12 of another shape" in said
    assert "lass" in said


def records_of(folder: Path, generation: str, rows: list[tuple[object, ...]], **options: Any) -> None:
    """Records of the drawn images 000.jpg ... 011.jpg with these boxes alone, beside a config."""
    draw_records(folder)
    write_ssd_config(folder, generation)
    write_csv(folder / "images.csv", [(f"{number:03d}.jpg", 96, 64, 0, "") for number in range(12)], IMAGES_HEADER)
    write_records(
        detections=write_csv(folder / "detections.csv", rows),
        images=str(folder / "images"),
        output=folder / "records",
        first=9,
        **options,
    )


@pytest.mark.parametrize("generation", ["tf1", "tf2"])
def test_batches_without_any_box_have_a_finite_loss(tmp_path, generation):
    """Of the images one has a box, and it validates."""
    records_of(tmp_path, generation, [row("011.jpg", (10, 8, 50, 40), "thing")], keep_negatives=True)
    losses = result_of("negatives", generation, tmp_path)
    assert len(losses) == 3
    assert all(0 < loss < 1000 for loss in losses)


@pytest.mark.parametrize("generation", ["tf1", "tf2"])
def test_weights_reach_the_trainer_also_through_a_crop(tmp_path, generation):
    rows = []
    for number in range(12):
        rows.append(row(f"{number:03d}.jpg", (30, 10, 70, 50), "thing", score=0.75))
        rows.append(row(f"{number:03d}.jpg", (20, 20, 60, 60), "thing", score=0.25))
    records_of(tmp_path, generation, rows, threshold="0.5", ignore_from=0.2, score_weights=True)
    images = result_of("weighted", generation, tmp_path)
    assert [0.75, 0.0] in images
    assert {weight for weights in images for weight in weights} == {0.75, 0.0}
