"""`detloop zoo get`: a model from a mirror or by hand, unpacked once, trusted as long as it stays what it was."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from tests.zoo.archives import (
    TF1_ARCHIVE_NAME,
    TF1_FILES,
    TF1_NAME,
    TF2_FILES,
    TF2_NAME,
    TF2_PATH,
    files_in,
    member,
    pack,
    pack_tf2,
)
from tests.zoo.conftest import error_of, zoo


def test_a_model_comes_from_the_mirror_into_the_cache(mirror, cache):
    archive = pack_tf2(mirror)
    result = zoo("get", TF2_NAME)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{cache / TF2_NAME}\n"
    assert "it holds saved_model, checkpoint, pipeline.config" in result.stderr
    files = files_in(cache / TF2_NAME)
    origin = json.loads(files.pop("zoo_model.json"))
    assert files == TF2_FILES
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert origin == {"name": TF2_NAME, "archive": TF2_PATH, "sha256": sha256}
    assert {path.name for path in cache.iterdir()} == {TF2_NAME, f"{TF2_NAME}.tar.gz", f"{TF2_NAME}.tar.gz.sha256"}
    subprocess.run(["sha256sum", "--check", f"{TF2_NAME}.tar.gz.sha256"], cwd=cache, check=True)


def test_a_second_get_says_where_it_lies_and_needs_no_network(mirror, cache):
    archive = pack_tf2(mirror)
    zoo("get", TF2_NAME)
    archive.unlink()
    kept = cache / TF2_NAME / "saved_model" / "saved_model.pb"
    changed_at = kept.stat().st_mtime_ns, kept.stat().st_ino
    result = zoo("get", TF2_NAME)
    assert result.exit_code == 0
    assert result.stdout == f"{cache / TF2_NAME}\n"
    assert "already lies there" in result.stderr
    assert (kept.stat().st_mtime_ns, kept.stat().st_ino) == changed_at


@pytest.mark.parametrize("name", [TF2_NAME, TF2_NAME.upper(), "SSD MobileNet v2 320x320", f"{TF2_NAME}.tar.gz"])
def test_a_model_has_several_names_and_a_mirror_may_be_flat(mirror, cache, name):
    pack(mirror / f"{TF2_NAME}.tar.gz", TF2_FILES, TF2_NAME)
    assert zoo("get", name).stdout == f"{cache / TF2_NAME}\n"


def test_the_output_may_be_another_folder(tmp_path, mirror, cache):
    pack(mirror / TF1_ARCHIVE_NAME, TF1_FILES, "ssd_mobilenet_v2_coco_2018_03_29")
    for said in ("unpacked from", "already lies there"):
        result = zoo("get", TF1_NAME, "--output", tmp_path / "teacher")
        assert result.stdout == f"{tmp_path / 'teacher'}\n"
        assert said in result.stderr
        assert "frozen_inference_graph.pb, checkpoint, pipeline.config" in result.stderr
    assert files_in(tmp_path / "teacher").keys() == {*TF1_FILES, "zoo_model.json"}
    assert not (cache / TF1_NAME).exists()


def test_an_output_with_other_files_is_left_alone(tmp_path, mirror):
    pack_tf2(mirror)
    (tmp_path / "teacher").mkdir()
    (tmp_path / "teacher" / "mine.txt").write_text("mine")
    assert "holds other files, such as mine.txt" in error_of(zoo("get", TF2_NAME, "--output", tmp_path / "teacher"))
    assert files_in(tmp_path / "teacher") == {"mine.txt": b"mine"}


def test_an_output_with_another_model_is_left_alone(tmp_path, mirror):
    pack_tf2(mirror)
    pack(mirror / TF1_ARCHIVE_NAME, TF1_FILES)
    zoo("get", TF1_NAME, "--output", tmp_path / "teacher")
    assert "holds other files" in error_of(zoo("get", TF2_NAME, "--output", tmp_path / "teacher"))


def test_an_archive_put_there_by_hand_is_used(cache):
    pack(cache / f"{TF2_NAME}.tar.gz", TF2_FILES, TF2_NAME)
    assert zoo("get", TF2_NAME).exit_code == 0
    assert (cache / f"{TF2_NAME}.tar.gz.sha256").exists()


def test_an_archive_cut_short_by_hand_is_refused(cache):
    archive = pack(cache / f"{TF2_NAME}.tar.gz", TF2_FILES, TF2_NAME)
    archive.write_bytes(archive.read_bytes()[:-20])
    assert f"{archive}: not a whole .tar.gz" in error_of(zoo("get", TF2_NAME))
    assert [path.name for path in cache.iterdir()] == [archive.name]


def test_without_a_network_it_says_what_to_put_where(cache):
    line = error_of(zoo("get", TF2_NAME))
    url = f"https://download.tensorflow.org/models/object_detection/{TF2_PATH}"
    assert f"download {url} where there is a network and put it there as {cache / TF2_NAME}.tar.gz" in line
    assert not (cache / TF2_NAME).exists()


def test_an_archive_that_changed_since_its_first_use_is_refused(mirror, cache, tmp_path):
    pack_tf2(mirror)
    zoo("get", TF2_NAME)
    archive = pack(cache / f"{TF2_NAME}.tar.gz", {**TF2_FILES, "pipeline.config": b"another"}, TF2_NAME)
    assert f"{archive}: changed since it was first used" in error_of(zoo("get", TF2_NAME, "--output", tmp_path / "m"))
    archive.unlink()
    assert zoo("get", TF2_NAME, "--output", tmp_path / "m").exit_code == 0
    assert files_in(tmp_path / "m")["pipeline.config"] == TF2_FILES["pipeline.config"]


@pytest.mark.parametrize("lost", [[*TF2_FILES][:4], ["zoo_model.json"]])
def test_a_model_folder_that_lost_its_files_is_unpacked_again(mirror, cache, lost):
    pack_tf2(mirror)
    zoo("get", TF2_NAME)
    for name in lost:
        (cache / TF2_NAME / name).unlink()
    assert zoo("get", TF2_NAME).exit_code == 0
    assert files_in(cache / TF2_NAME).keys() == {*TF2_FILES, "zoo_model.json"}


def test_an_archive_without_a_model_is_refused(mirror, cache):
    pack(mirror / TF2_PATH, {"README": b"nothing", "pipeline.config": b"model {}"}, TF2_NAME)
    line = error_of(zoo("get", TF2_NAME))
    assert "holds no frozen graph, SavedModel or checkpoint; it has README, pipeline.config" in line
    assert not (cache / TF2_NAME).exists()
    assert not list(cache.glob("*.partial"))


def test_an_archive_of_an_enemy_is_not_kept(mirror, cache):
    pack(mirror / TF2_PATH, TF2_FILES, TF2_NAME, others=(member("../../outside"),))
    assert "'../../outside', which leaves its folder" in error_of(zoo("get", TF2_NAME))
    assert list(cache.iterdir()) == []


def test_an_unknown_name_gives_the_nearest(mirror):
    line = error_of(zoo("get", "ssd_mobilenet_v2_320"))
    assert f"no model 'ssd_mobilenet_v2_320' in the zoos; the nearest are {TF2_NAME}, " in line


@pytest.mark.parametrize("mirror_url", ["ftp://example.org/zoo", "/srv/zoo"])
def test_a_mirror_must_be_an_address(monkeypatch, mirror_url):
    monkeypatch.setenv("DETLOOP_ZOO_MIRROR", mirror_url)
    assert f"DETLOOP_ZOO_MIRROR={mirror_url}: give an http(s):// or file:// address" in error_of(zoo("get", TF2_NAME))


def test_a_mirror_that_lacks_the_model_is_named(mirror):
    line = error_of(zoo("get", TF2_NAME))
    assert "could not be fetched: No such file or directory" in line
    assert f"download {mirror.as_uri()}/{TF2_PATH} where" in line


def test_without_the_variable_the_cache_is_the_users(monkeypatch, mirror, tmp_path):
    monkeypatch.delenv("DETLOOP_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    pack_tf2(mirror)
    folder = Path(zoo("get", TF2_NAME).stdout.strip())
    assert folder.is_relative_to(tmp_path)
    assert folder.parts[-2:] == ("zoo", TF2_NAME)
