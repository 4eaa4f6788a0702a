"""What containers are given of this machine: what the arguments name, and the way to the store where one is needed."""

from pathlib import Path

import pytest

from detloop.cluster import plan_containers
from detloop.cluster.containers import NO_NETWORK

pytestmark = pytest.mark.heavy
TOKEN = "not-a-secret-but-a-test"  # noqa: S105


def test_they_see_what_the_arguments_name_and_nothing_else(
    image_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", TOKEN)
    for folder in ("images", "training", "lists", "more/of them"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("model.pb", "training/model.ckpt-10.index", "lists/images.txt", "unnamed.txt"):
        (tmp_path / file).touch()
    names = ("images", "model.pb", "training/model.ckpt-10", "lists/images.txt", "more/*/frame-?.jpg")
    planned = plan_containers(None, [*(str(tmp_path / name) for name in names), "person,car", "", 0.5, True, "a\n/b"])
    seen = [path.relative_to(tmp_path).as_posix() for path in planned.inputs]
    assert seen == ["images", "lists", "model.pb", "more", "training"]
    assert planned.network == NO_NETWORK
    assert planned.environment == {}


def test_images_in_a_bucket_bring_a_network_and_the_stores_variables(
    image_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store_environment: None
) -> None:
    keys = tmp_path / "credentials"
    keys.touch()
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(keys))
    monkeypatch.setenv("MINIO_SECRET_KEY", TOKEN)
    monkeypatch.setenv("UNRELATED_TOKEN", TOKEN)
    planned = plan_containers(None, ["minio://films/monday"])
    assert planned.network == "bridge"
    assert planned.environment["MINIO_SECRET_KEY"] == TOKEN
    assert "UNRELATED_TOKEN" not in planned.environment
    assert keys in planned.inputs
    assert plan_containers(None, ["minio://films/monday"], network="lab").network == "lab"


def test_where_champions_are_kept_can_be_written_to(image_id: str, tmp_path: Path) -> None:
    promoted = str(tmp_path / "champions/street")
    planned = plan_containers(None, [str(tmp_path), promoted], output=promoted)
    assert planned.outputs == (Path(promoted),)
    assert planned.inputs == (tmp_path,)
    assert Path(promoted).is_dir()
