"""Shards of a detection: which images each has, that nothing is lost between them, and how a killed one goes on."""

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from detloop.cli import main
from detloop.detect import collect_tables, detect_images, parts_beside
from detloop.errors import DetloopError
from detloop.images import ImageSource, open_source
from detloop.listing import list_images, write_listing
from detloop.shard import Shard, parse_shard, shards_of
from detloop.store import open_store
from tests.detect.test_detect import draw_film
from tests.detect.test_interrupted import tables
from tests.killed import DETLOOP
from tests.tables import IMAGES_HEADER, row, write_csv

BATCH_SIZE = 2
SIZES = [(96, 64), (64, 96), (80, 80)]


@settings(deadline=None)
@given(images=st.integers(0, 200), count=st.integers(1, 12), block=st.sampled_from([1, 8, 32]))
def test_every_image_is_in_one_shard_and_shards_are_even(images: int, count: int, block: int) -> None:
    names = [f"{number:04}.png" for number in range(images)]
    source = ImageSource(open_store("/nowhere"), lambda: iter(names))
    parts = [list(Shard(number, count).of(source, block).names()) for number in range(1, count + 1)]
    assert [name for part in parts for name in part] == names
    blocks = [-(-len(part) // block) for part in parts]
    assert max(blocks) - min(blocks) <= 1


@settings(deadline=None)
@given(images=st.integers(0, 400), count=st.integers(1, 12))
def test_no_planned_shard_is_empty(images: int, count: int) -> None:
    source = ImageSource(open_store("/nowhere"), lambda: map(str, range(images)))
    shards = shards_of(images, count)
    assert len(shards) <= count
    assert bool(shards) == bool(images)
    assert all(any(True for _ in shard.of(source, 32).names()) for shard in shards)


@pytest.mark.parametrize("text", ["", "3", "0/4", "5/4", "1/0", "-1/2", "a/b"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(DetloopError, match=r"--shard .*: write 1/N"):
        parse_shard(text)


@pytest.fixture
def detect(tmp_path: Path, frozen_graph: Path, color_label_map: Path):
    """Detects in tmp_path/images into a folder of tmp_path."""

    def run(folder: str, **options: object):
        given = {
            "model": str(frozen_graph),
            "label_map": str(color_label_map),
            "images": str(tmp_path / "images"),
            "output": tmp_path / folder / "detections.csv",
            "batch_size": BATCH_SIZE,
            **options,
        }
        return detect_images(**given)

    return run


def test_collected_shards_are_the_tables_of_one_detection_byte_for_byte(tmp_path: Path, detect) -> None:
    draw_film(tmp_path / "images", 61, SIZES)
    (tmp_path / "images/0030.png").write_text("no image")
    detect("once")
    for shard in ("3/3", "1/3", "2/3"):
        detect(shard.replace("/", "of"), shard=shard)
    parts = [tmp_path / folder / "detections.csv" for folder in ("2of3", "3of3", "1of3")]
    summary = collect_tables(shards=parts, output=tmp_path / "all/detections.csv")
    assert tables(tmp_path / "all") == tables(tmp_path / "once")
    assert (summary.images, summary.unreadable, summary.shards) == (61, 1, 3)
    assert summary.boxes == tables(tmp_path / "once")[0].count(b"\n") - 1


def test_a_shard_of_a_listing_looks_at_that_alone(tmp_path: Path, detect) -> None:
    draw_film(tmp_path / "images", 30)
    listing = tmp_path / "listing.csv"
    write_listing(listing, list_images(open_source(str(tmp_path / "images"))))
    draw_film(tmp_path / "images", 40)
    for number in (1, 2):
        detect(f"part{number}", shard=f"{number}/2", listing=listing)
    parts = [tmp_path / f"part{number}/detections.csv" for number in (1, 2)]
    command = ["collect", *map(str, parts), "--output", str(tmp_path / "all/detections.csv"), "--listing", str(listing)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    assert "in 30 images from 2 shards" in result.output
    detect("once", listing=listing)
    assert tables(tmp_path / "all") == tables(tmp_path / "once")


@pytest.fixture
def two_shards(tmp_path: Path) -> list[Path]:
    for number, names in ((1, ["a.png", "b.png"]), (2, ["c.png"])):
        folder = tmp_path / str(number)
        folder.mkdir()
        write_csv(folder / "detections.csv", [row(name, (1, 1, 9, 9)) for name in names])
        write_csv(folder / "images.csv", [(name, 96, 64, 1, "") for name in names], IMAGES_HEADER)
    return [tmp_path / "1/detections.csv", tmp_path / "2/detections.csv"]


def test_a_shard_that_is_given_twice_is_told(tmp_path: Path, two_shards: list[Path]) -> None:
    with pytest.raises(DetloopError, match=r"a\.png does not follow b\.png"):
        collect_tables(shards=[*two_shards, two_shards[0]], output=tmp_path / "all.csv")
    assert not (tmp_path / "all.csv").exists()


@pytest.mark.parametrize(
    ("given", "reason"), [([0], r"has /f/c\.png where the shards have no more"), ([1], r"/f/a\.png where .* c\.png")]
)
def test_a_missing_shard_is_told(tmp_path: Path, two_shards: list[Path], given: list[int], reason: str) -> None:
    listing = tmp_path / "listing.csv"
    write_csv(listing, [(f"/f/{name}.png", 9, "1") for name in "abc"], ("uri", "size_bytes", "version"))
    with pytest.raises(DetloopError, match=reason):
        collect_tables(shards=[two_shards[at] for at in given], output=tmp_path / "all.csv", listing=listing)
    assert not (tmp_path / "all.csv").exists()


def test_a_collection_that_fails_leaves_no_older_table_beside_newer_images(
    tmp_path: Path, two_shards: list[Path]
) -> None:
    (tmp_path / "all.csv").write_text("older")
    two_shards[1].write_text("filename,class\n")
    with pytest.raises(DetloopError, match="column"):
        collect_tables(shards=two_shards, output=tmp_path / "all.csv")
    assert (tmp_path / "all.csv").read_text() == "older"
    assert not (tmp_path / "images.csv").exists()


def kill_a_shard_at_work(tmp_path: Path, frozen_graph: Path, color_label_map: Path, parts: str) -> None:
    """Runs shard 1/2 in another process and kills it when it has kept a part; its disk is lost with it."""
    options = ["--model", frozen_graph, "--label-map", color_label_map, "--images", tmp_path / "images"]
    command = [*DETLOOP, "detect", *map(str, options), "--output", str(tmp_path / "pod/detections.csv")]
    command += ["--batch-size", str(BATCH_SIZE), "--shard", "1/2", "--parts", parts]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not any(True for _ in open_store(parts).list()) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "pod/detections.csv").exists()
    shutil.rmtree(tmp_path / "pod")


def test_a_killed_shard_is_gone_on_with_on_a_machine_that_has_nothing_of_it(
    tmp_path: Path, frozen_graph: Path, color_label_map: Path, detect
) -> None:
    draw_film(tmp_path / "images", 600, SIZES)
    (tmp_path / "parts").mkdir()
    kill_a_shard_at_work(tmp_path, frozen_graph, color_label_map, str(tmp_path / "parts"))
    model = shutil.copy(frozen_graph, tmp_path / "fetched-again.pb")
    summary = detect("other-pod", shard="1/2", parts=str(tmp_path / "parts"), model=str(model))
    assert 0 < summary.images_before < summary.images == 296
    detect("once", shard="1/2")
    assert tables(tmp_path / "other-pod") == tables(tmp_path / "once")


def test_a_killed_shard_is_gone_on_with_from_a_bucket(
    tmp_path: Path, frozen_graph: Path, color_label_map: Path, detect, minio_bucket: str
) -> None:
    draw_film(tmp_path / "images", 600, SIZES)
    kill_a_shard_at_work(tmp_path, frozen_graph, color_label_map, f"{minio_bucket}/unfinished")
    summary = detect("other-pod", shard="1/2", parts=f"{minio_bucket}/unfinished")
    assert 0 < summary.images_before < summary.images == 296
    detect("once", shard="1/2")
    assert tables(tmp_path / "other-pod") == tables(tmp_path / "once")


@pytest.fixture
def kept(tmp_path: Path, detect, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The parts of a detection whose every block was kept."""
    monkeypatch.setattr("detloop.detect.kept_parts.KEEP_EVERY_SECONDS", 0.0)
    draw_film(tmp_path / "images", 40)
    detect("first", parts=str(tmp_path / "parts"))
    return sorted((tmp_path / "parts").rglob("*.json"))


def test_parts_are_those_of_one_detection_alone(tmp_path: Path, detect, kept: list[Path]) -> None:
    parts = str(tmp_path / "parts")
    assert len(kept) > 5
    assert detect("again", parts=parts).images_before == 40
    assert detect("anew", parts=parts, resume=False).images_before == 0
    assert detect("other", parts=parts, threshold=0.7).images_before == 0
    assert detect("shard", parts=parts, shard="2/2").images_before == 0
    draw_film(tmp_path / "images", 41)
    assert detect("more", parts=parts).images_before == 0


def test_parts_behind_a_lost_or_damaged_one_are_not_taken(tmp_path: Path, detect, kept: list[Path]) -> None:
    kept[2].unlink()
    kept_images = json.loads(kept[1].read_text())["from_bytes"]["images.csv"]
    assert kept_images > 0
    summary = detect("again", parts=str(tmp_path / "parts"))
    assert 0 < summary.images_before < 40
    assert tables(tmp_path / "again") == tables(tmp_path / "first")
    kept[0].write_text("{")
    assert detect("anew", parts=str(tmp_path / "parts")).images_before == 0
    assert tables(tmp_path / "anew") == tables(tmp_path / "first")


def test_a_place_that_cannot_be_written_is_told_and_fails_nothing(
    tmp_path: Path, detect, capfd: pytest.CaptureFixture[str]
) -> None:
    draw_film(tmp_path / "images", 6)
    (tmp_path / "file").write_text("")
    detect("out", parts=str(tmp_path / "file/parts"))
    assert capfd.readouterr().err.count("a lost machine loses it") == 1
    assert (tmp_path / "out/detections.csv").exists()


def test_a_steps_parts_lie_where_kfp_does_not_take_them_for_its_output() -> None:
    output = "minio://mlpipeline/v2/artifacts/detection-loop/run/detect/1f0c/detections"
    parts = parts_beside(output)
    assert parts.startswith("minio://mlpipeline/v2/artifacts/detection-loop/run/detect/1f0c/")
    assert not parts.startswith(output)
    assert parts_beside("/run/detect/detections") == ""
