"""Runs that are killed, fail or find the disk full: what they leave, and how the next run goes on."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from detloop.detect import DetectSummary, detect_images
from detloop.errors import DetloopError
from tests.detect.test_detect import draw_film
from tests.drawn import draw_image
from tests.engine.test_tensorflow_engine import write_graph

IMAGES = 60
BATCH_SIZE = 4
Detect = Callable[..., DetectSummary]


@pytest.fixture
def detect(tmp_path: Path, frozen_graph: Path, color_label_map: Path) -> Detect:
    """Detects in tmp_path/images; options replace those of the call."""

    def run(output: Path = tmp_path / "out" / "detections.csv", **options: object) -> DetectSummary:
        given = {
            "model": str(frozen_graph),
            "label_map": str(color_label_map),
            "images": str(tmp_path / "images"),
            "output": output,
            "batch_size": BATCH_SIZE,
            **options,
        }
        return detect_images(**given)  # type: ignore[arg-type]

    return run


SEEING_MORE: dict[str, object] = {"tile": "64x64", "overlap": 0.4, "flip": True}


def stop_at_a_bad_image(tmp_path: Path, detect: Detect, position: int = 41, **options: object) -> None:
    """A strict run over mixed sizes that fails at an image, which is mended afterwards."""
    draw_film(tmp_path / "images", IMAGES, [(96, 64), (64, 96), (80, 80)])
    image = tmp_path / "images" / f"{position:04d}.png"
    whole = image.read_bytes()
    image.write_bytes(whole[:40])
    with pytest.raises(DetloopError, match=image.name):
        detect(strict=True, **options)
    image.write_bytes(whole)


def tables(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in ("detections.csv", "images.csv")]


def kept_images(tmp_path: Path) -> int:
    state = json.loads((tmp_path / "out" / "detections.csv.partial" / "run.json").read_text())
    return int(state["kept"]["images"])


@pytest.mark.parametrize(("options", "at_least"), [({}, 24), (SEEING_MORE, 8)])
def test_a_stopped_run_goes_on_and_ends_as_if_it_had_not_been(
    tmp_path: Path, detect: Detect, options: dict[str, object], at_least: int
) -> None:
    stop_at_a_bad_image(tmp_path, detect, **options)
    assert not (tmp_path / "out" / "detections.csv").exists()
    assert not (tmp_path / "out" / "images.csv").exists()
    kept = kept_images(tmp_path)
    assert at_least <= kept <= 41
    summary = detect(strict=True, **options)
    assert (summary.images, summary.images_before) == (IMAGES, kept)
    assert f"({kept} of them by an earlier, interrupted run)" in str(summary)
    once = detect(tmp_path / "once" / "detections.csv", strict=True, **options)
    assert tables(tmp_path / "out") == tables(tmp_path / "once")
    assert (once.boxes_of_class, once.images_before) == (summary.boxes_of_class, 0)
    assert once.passes == summary.passes
    assert sorted(os.listdir(tmp_path / "out")) == ["detections.csv", "images.csv"]


def test_torn_rows_of_a_killed_run_are_cut_off(tmp_path: Path, detect: Detect) -> None:
    stop_at_a_bad_image(tmp_path, detect)
    folder = tmp_path / "out" / "detections.csv.partial"
    for name in ("images.csv", "detections.csv"):
        with (folder / name).open("a") as file:
            file.write('0041.png,96,64,2,\n"0042')
    assert detect(strict=True).images_before > 0
    detect(tmp_path / "once" / "detections.csv", strict=True)
    assert tables(tmp_path / "out") == tables(tmp_path / "once")


def other_model(tmp_path: Path, frozen_graph: Path) -> dict[str, object]:
    return {"model": str(shutil.copy(frozen_graph, tmp_path / "other.pb"))}


def other_label_map(tmp_path: Path, _: Path) -> dict[str, object]:
    path = tmp_path / "other.pbtxt"
    path.write_text("item { id: 1 name: 'rouge' }")
    return {"label_map": str(path)}


def image_before_all_others(tmp_path: Path, _: Path) -> dict[str, object]:
    shutil.copy(tmp_path / "images" / "0007.png", tmp_path / "images" / "!.png")
    return {}


def damaged_state(tmp_path: Path, _: Path) -> dict[str, object]:
    (tmp_path / "out" / "detections.csv.partial" / "run.json").write_text('{"settings":')
    return {}


def lost_table(tmp_path: Path, _: Path) -> dict[str, object]:
    (tmp_path / "out" / "detections.csv.partial" / "images.csv").unlink()
    return {}


@pytest.mark.parametrize(
    "change",
    [
        other_model,
        other_label_map,
        image_before_all_others,
        damaged_state,
        lost_table,
        lambda *_: {"threshold": 0.7},
        *(lambda *_, one=one: dict([one]) for one in SEEING_MORE.items() if one[0] != "overlap"),
        lambda *_: {"tile": "64x64", "overlap": 0.3},
        lambda *_: {"scales": "1.5"},
        lambda *_: {"merge": "nms"},
        lambda *_: {"merge_iou": 0.4},
        lambda *_: {"cross_class_iou": 0.9},
        lambda *_: {"resume": False},
    ],
)
def test_what_another_run_left_is_not_gone_on_with(
    tmp_path: Path, frozen_graph: Path, detect: Detect, change: Callable[[Path, Path], dict[str, object]]
) -> None:
    stop_at_a_bad_image(tmp_path, detect)
    options = change(tmp_path, frozen_graph)
    assert detect(strict=True, **options).images_before == 0
    detect(tmp_path / "once" / "detections.csv", strict=True, **options)
    assert tables(tmp_path / "out") == tables(tmp_path / "once")


def test_a_strict_run_does_not_go_on_behind_an_unreadable_image(tmp_path: Path, detect: Detect) -> None:
    draw_film(tmp_path / "images", 4)
    (tmp_path / "images" / "0001.png").write_text("no image")
    draw_image(tmp_path / "images" / "0002.png", size_wh=(20, 40))
    of_one_size = str(write_graph(tmp_path / "model.pb", shape=(None, 64, 96, 3)))
    with pytest.raises(DetloopError, match=r"takes images of height and width \[64, 96\] alone"):
        detect(model=of_one_size, batch_size=1)
    assert kept_images(tmp_path) == 2
    with pytest.raises(DetloopError, match=r"0001\.png: is not an image"):
        detect(model=of_one_size, batch_size=1, strict=True)


@pytest.mark.parametrize(("count", "seeing_more"), [(600, {}), (150, SEEING_MORE)])
def test_a_killed_process_is_gone_on_with_and_ends_as_if_it_had_not_been(
    tmp_path: Path,
    frozen_graph: Path,
    color_label_map: Path,
    detect: Detect,
    count: int,
    seeing_more: dict[str, object],
) -> None:
    draw_film(tmp_path / "images", count, [(96, 64), (64, 96)])
    output = tmp_path / "out" / "detections.csv"
    options = ["--model", frozen_graph, "--label-map", color_label_map, "--images", tmp_path / "images"]
    command = [sys.executable, "-m", "detloop.cli", "detect", *map(str, options), "--output", str(output)]
    command += ["--batch-size", str(BATCH_SIZE)]
    if seeing_more:
        command += ["--tile", "64x64", "--overlap", "0.4", "--flip"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    state = tmp_path / "out" / "detections.csv.partial" / "run.json"
    while not state.exists() and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not output.exists()
    kept = kept_images(tmp_path)
    summary = detect(**seeing_more)
    assert (summary.images, summary.images_before) == (count, kept)
    detect(tmp_path / "once" / "detections.csv", **seeing_more)
    assert tables(tmp_path / "out") == tables(tmp_path / "once")


def test_a_finished_run_is_done_anew(tmp_path: Path, detect: Detect) -> None:
    draw_film(tmp_path / "images", 8)
    first = detect()
    draw_film(tmp_path / "images", 12)
    assert (first.images, detect().images) == (8, 12)


def test_no_detections_of_one_run_lie_beside_the_images_of_another(tmp_path: Path, detect: Detect) -> None:
    draw_film(tmp_path / "images", 4)
    detect()
    (tmp_path / "out" / "images.csv").unlink()
    (tmp_path / "out" / "images.csv").mkdir()
    with pytest.raises(OSError, match=r"images\.csv"):
        detect()
    assert not (tmp_path / "out" / "detections.csv").exists()


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of 16 KiB; where mounting isn't permitted, a folder in which no file may grow beyond 4 KiB."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "detloop-test", str(folder)]
    if shutil.which("mount") and subprocess.run(mount, capture_output=True).returncode == 0:
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)
    else:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
        try:
            yield folder
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_ends_the_run_with_what_was_finished_kept(tmp_path: Path, detect: Detect) -> None:
    draw_film(tmp_path / "images", 320)
    with small_disk(tmp_path / "disk") as disk:
        output = disk / "detections.csv"
        with pytest.raises(OSError, match=r"No space left|File too large") as caught:
            detect(output)
        assert str(caught.value.filename).startswith(str(disk / "detections.csv.partial"))
        assert not output.exists()
        assert not (disk / "images.csv").exists()
        shutil.copytree(disk / "detections.csv.partial", tmp_path / "larger" / "detections.csv.partial")
    summary = detect(tmp_path / "larger" / "detections.csv")
    assert (summary.images, summary.images_before > 0) == (320, True)
    detect(tmp_path / "once" / "detections.csv")
    assert tables(tmp_path / "larger") == tables(tmp_path / "once")
