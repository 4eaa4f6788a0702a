"""`detloop records` as a process: killed, out of space, and without TensorFlow."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.drawn import draw_image
from tests.records.read_back import all_examples
from tests.tables import IMAGES_HEADER, row, write_csv

IMAGES = 400
MIB = 1 << 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of 400 images, each with 100 kB of padding behind its last byte."""
    folder = tmp_path_factory.mktemp("records")
    data = draw_image(folder / "one.jpg", [(10, 8, 50, 40)]).read_bytes() + bytes(100_000)
    (folder / "images").mkdir()
    for number in range(IMAGES):
        (folder / "images" / f"{number:04d}.jpg").write_bytes(data)
    write_csv(folder / "detections.csv", [row(f"{number:04d}.jpg", (10, 8, 50, 40)) for number in range(IMAGES)])
    return folder


def command(folder: Path, output: Path) -> list[str]:
    options = ["--detections", folder / "detections.csv", "--images", folder / "images", "--output", output]
    return [sys.executable, "-m", "detloop.cli", "records", *map(str, options)]


def test_killed_in_the_middle_it_completes_when_run_again(folder: Path, tmp_path: Path) -> None:
    output, partial = tmp_path / "out", tmp_path / "out.partial"
    process = subprocess.Popen(command(folder, output), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while not any(path.stat().st_size for path in partial.glob("*.record")):
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not output.exists()
    assert partial.exists()

    subprocess.run(command(folder, output), check=True, capture_output=True)
    assert len(all_examples(output)) == IMAGES
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_out_of_space_leaves_nothing_behind(folder: Path, tmp_path: Path) -> None:
    """A limit on the size of a file fails a write in the middle as a full disk does."""
    done = subprocess.run(
        command(folder, tmp_path / "out"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5 * MIB, 5 * MIB)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [f"detloop: error: {tmp_path / 'out'}: File too large"]
    assert list(tmp_path.iterdir()) == []


def test_tensorflow_is_not_imported(folder: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from click.testing import CliRunner; from detloop.cli import main;"
        f"result = CliRunner().invoke(main, {command(folder, tmp_path / 'out')[3:]!r}); assert not result.exit_code;"
        "print([name for name in sys.modules if name.split('.')[0] in ('tensorflow', 'pandas', 'kfp')])"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
    assert (tmp_path / "out" / "split.csv").exists()


PEAK_MEMORY_SCRIPT = """
import sys
from pathlib import Path
from benchmarks.peak_memory import peak_memory_bytes
from detloop.records import write_records
folder, images = Path(sys.argv[1]), sys.argv[2]
summary = write_records(
    detections=folder / images / "detections.csv", images=str(folder / "images"), output=folder / images / "out",
    class_map="human=person", choose_thresholds="scores", ignore_from=0.1, score_weights=True, keep_negatives=True,
    negative_ratio=0.5, group_by_time=20, near_duplicates="report", static_boxes="drop",
)
assert summary.static_boxes and summary.near_duplicates.images and summary.surplus_negatives, summary
print(peak_memory_bytes() / 2**20)
"""


def film_of(folder: Path, images: int) -> str:
    """A table of so many frames: a sure walker and a doubtful one, one that stands still, and every third empty."""
    table = folder / str(images)
    table.mkdir()
    names = [f"{number:06d}.jpg" for number in range(images)]
    rows = []
    for number, name in enumerate(names):
        left = number * 7 % 40
        if number % 3:
            rows += [row(name, (left, 8, left + 30, 40), "human"), row(name, (left, 30, left + 20, 60), score=0.2)]
            rows.append(row(name, (60, 5, 90, 60), score=0.8))
    write_csv(table / "detections.csv", rows)
    write_csv(table / "images.csv", [(name, 96, 64, 0, "") for name in names], IMAGES_HEADER)
    return table.name


def test_memory_does_not_grow_with_the_images(tmp_path: Path) -> None:
    """With every option on, from 500 to 2000 images: 1500 hashes and names are below a megabyte."""
    image = draw_image(tmp_path / "one.jpg", [(10, 8, 50, 40)])
    (tmp_path / "images").mkdir()
    for number in range(2000):
        os.link(image, tmp_path / "images" / f"{number:06d}.jpg")
    peaks_mib = []
    for images in (500, 1000, 2000):
        command = [sys.executable, "-c", PEAK_MEMORY_SCRIPT, str(tmp_path), film_of(tmp_path, images)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks_mib.append(float(done.stdout))
    assert max(peaks_mib) - min(peaks_mib) < 4, peaks_mib
