"""Models, checkpoints and configs that lie in a bucket, as local files whose content is checked."""

import os
import stat
from pathlib import Path

import pytest

from detloop.engine import fetch_model
from detloop.errors import DetloopError
from detloop.store import cache_root, existing_file, fetch, files_state, open_store
from detloop.train.odapi.protos import new_pipeline_config
from detloop.train.settings import checkpoint_to_start_from
from tests.servers import BUCKET, find_server, start_gcs_emulator


def fill(root: str, *names: str) -> None:
    store = open_store(root)
    for name in names:
        store.write_bytes(name, name.encode())


def files_in(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def in_cache(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / "fetched").iterdir())


@pytest.mark.usefixtures("store_environment")
def test_a_local_path_is_left_where_it_is(tmp_path: Path) -> None:
    assert fetch(f"file://{tmp_path}/a.pb", "model") == tmp_path / "a.pb"
    assert not (tmp_path / "cache").exists()


def test_a_file_is_fetched_with_what_belongs_to_it(minio_bucket: str) -> None:
    fill(minio_bucket, "m/model.pb", "m/model.pbtxt", "m/label_map.pbtxt", "m/other.txt", "label_map.pbtxt")
    path = existing_file(f"{minio_bucket}/m/model.pb", "model", beside=["label_map.pbtxt", "none.txt"])
    assert path.name == "model.pb"
    assert files_in(path.parent) == {"model.pb": "m/model.pb", "label_map.pbtxt": "m/label_map.pbtxt"}


def test_a_folder_is_fetched_with_all_it_holds(minio_bucket: str) -> None:
    fill(minio_bucket, "m/saved_model.pb", "m/variables/variables.index", "m2/saved_model.pb", "m.pb")
    path = fetch(f"{minio_bucket}/m/", "model")
    assert path.name == "m"
    assert sorted(files_in(path)) == ["saved_model.pb", "variables/variables.index"]


def test_a_checkpoint_is_fetched_by_its_prefix(minio_bucket: str) -> None:
    names = ["c/ckpt-10.index", "c/ckpt-10.data-00000-of-00001", "c/ckpt-1.index", "c/ckpt-100.index"]
    fill(minio_bucket, *names)
    path = fetch(f"{minio_bucket}/c/ckpt-10", "checkpoint")
    assert sorted(files_in(path.parent)) == ["ckpt-10.data-00000-of-00001", "ckpt-10.index"]


@pytest.mark.parametrize("given", ["saved_model/saved_model.pb", "saved_model", ""])
def test_a_saved_model_is_found_by_any_of_its_names(minio_bucket: str, given: str) -> None:
    fill(minio_bucket, *(f"export/{name}" for name in ("label_map.pbtxt", "saved_model/saved_model.pb")))
    fill(minio_bucket, "export/saved_model/variables/variables.index")
    path = fetch_model(f"{minio_bucket}/export/{given}".rstrip("/"))
    assert sorted(files_in(path)) == ["saved_model.pb", "variables/variables.index"]
    assert (path.parent / "label_map.pbtxt").is_file()


def test_a_folder_without_a_model_is_named_as_it_was_given(minio_bucket: str) -> None:
    fill(minio_bucket, "m/notes.txt")
    with pytest.raises(DetloopError, match=f"{minio_bucket}/m: holds neither frozen_inference_graph.pb nor"):
        fetch_model(f"{minio_bucket}/m")


def test_weights_to_train_from_may_lie_in_a_bucket(minio_bucket: str) -> None:
    fill(minio_bucket, "run/checkpoints/ckpt-10.index", "run/checkpoints/ckpt-20.index", "run/pipeline.config")
    config = new_pipeline_config()
    config.train_config.fine_tune_checkpoint = f"{minio_bucket}/run"
    start = checkpoint_to_start_from(config, None)
    assert start is not None
    assert start.name == "ckpt-20"
    assert checkpoint_to_start_from(config, f"{minio_bucket}/run/checkpoints/ckpt-10") != start


@pytest.mark.parametrize("name", ["none.pb", "m/mod"])
def test_nothing_there_is_an_error(minio_bucket: str, name: str) -> None:
    fill(minio_bucket, "m/model.pb")
    with pytest.raises(DetloopError, match=f"{minio_bucket}/{name}: no such label map"):
        existing_file(f"{minio_bucket}/{name}", "label map")


def test_a_folder_is_no_file(minio_bucket: str) -> None:
    fill(minio_bucket, "m/model.pb")
    with pytest.raises(DetloopError, match=f"{minio_bucket}/m: is a folder; give the label map file itself"):
        existing_file(f"{minio_bucket}/m", "label map")


def test_each_content_is_fetched_once(minio_bucket: str, tmp_path: Path) -> None:
    fill(minio_bucket, "model.pb")
    first = fetch(f"{minio_bucket}/model.pb", "model")
    written = first.stat().st_mtime_ns
    assert fetch(f"{minio_bucket}/model.pb", "model") == first
    assert first.stat().st_mtime_ns == written
    open_store(minio_bucket).write_bytes("model.pb", b"newer!!!")
    second = fetch(f"{minio_bucket}/model.pb", "model")
    assert (first.read_bytes(), second.read_bytes()) == (b"model.pb", b"newer!!!")
    assert len(in_cache(tmp_path)) == 2


@pytest.mark.parametrize("damage", ["other", "missing", "cut"])
def test_what_was_damaged_since_is_fetched_again(minio_bucket: str, tmp_path: Path, damage: str) -> None:
    fill(minio_bucket, "m/a.pb", "m/b.pb")
    path = fetch(f"{minio_bucket}/m", "model")
    if damage == "missing":
        (path / "b.pb").unlink()
    else:
        (path / "b.pb").write_text("m/B.pb" if damage == "other" else "")
    assert fetch(f"{minio_bucket}/m", "model") == path
    assert files_in(path) == {"a.pb": "m/a.pb", "b.pb": "m/b.pb"}
    assert len(in_cache(tmp_path)) == 1


def test_the_state_of_files_in_a_bucket_goes_by_their_content(minio_bucket: str) -> None:
    uri = f"{minio_bucket}/m"
    fill(minio_bucket, "m/a.pb", "m/b.pb")
    before = files_state(uri, fetch(uri, "model"))
    fill(minio_bucket, "m/a.pb")
    assert files_state(uri, fetch(uri, "model")) == before
    open_store(minio_bucket).write_bytes("m/a.pb", b"newer!")
    assert files_state(uri, fetch(uri, "model")) != before


@pytest.mark.usefixtures("gcs_server", "store_environment")
def test_a_key_that_climbs_out_is_not_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """MinIO takes no such key; Google's service does, and so does its emulator where keys are not paths of files."""
    from google.cloud import storage

    binary = find_server("DETLOOP_FAKE_GCS_SERVER", "fake-gcs-server")
    assert binary is not None
    server = start_gcs_emulator(binary, tmp_path / "gcs", backend="memory")
    try:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.endpoint)
        storage.Client().bucket(BUCKET).blob("m/../../../evil.pb").upload_from_string(b"evil")
        with pytest.raises(DetloopError, match="leaves the folder"):
            fetch(f"gs://{BUCKET}/m", "model")
    finally:
        server.kill()
    assert not list(tmp_path.rglob("evil.pb"))


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DETLOOP_CACHE", str(tmp_path / "given"))
    assert cache_root() == tmp_path / "given"
    monkeypatch.delenv("DETLOOP_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    assert cache_root() == tmp_path / "home" / "detloop"


def test_without_a_home_the_cache_is_a_temporary_folder_of_ones_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DETLOOP_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/none")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = cache_root()
    assert folder == tmp_path / f"detloop-{os.getuid()}" == cache_root()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(DetloopError, match="is not this user's folder; set DETLOOP_CACHE"):
        cache_root()
