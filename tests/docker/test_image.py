"""The image: what is in it, what is not, and that any user can work with it where nothing can be written but /tmp."""

import re
from pathlib import Path
from typing import Any

import pytest

from demo.teacher import find_teacher
from detloop import __version__
from detloop.detect import detect_images
from detloop.detections import read_detections
from tests.docker.conftest import FRAMES, of_a_user

pytestmark = pytest.mark.heavy
MOST_BYTES = 2.0e9
NOBODYS_USER = 12345


@pytest.fixture(scope="module")
def detected(inputs: Path) -> Path:
    """The inputs, and detections/detections.csv."""
    model, label_map = find_teacher(inputs)
    table = inputs / "detections" / "detections.csv"
    detect_images(model=str(model), label_map=str(label_map), images=str(inputs / "frames"), output=table)
    return inputs


def run(engine: Any, image_id: str, *command: str, user: int, **settings: Any) -> str:
    """What a command says in a container that can write to /tmp alone and has no network."""
    said: bytes = engine.containers.run(
        image_id,
        list(command),
        user=f"{user}:0",
        read_only=True,
        tmpfs={"/tmp": "mode=1777"},  # noqa: S108
        network_mode="none",
        cap_drop=["ALL"],
        stderr=True,
        remove=True,
        **settings,
    )
    return said.decode()


@pytest.mark.parametrize("user", [1000, NOBODYS_USER])
def test_any_user_gets_help(engine: Any, image_id: str, user: int) -> None:
    assert "Usage: detloop" in run(engine, image_id, "detloop", "--help", user=user)


@pytest.mark.parametrize("user", [1000, NOBODYS_USER])
def test_any_user_writes_records(engine: Any, image_id: str, detected: Path, tmp_path: Path, user: int) -> None:
    output = of_a_user(tmp_path / "out")
    output.chmod(0o777)
    folders = {str(detected): {"bind": "/in", "mode": "ro"}, str(output): {"bind": "/out", "mode": "rw"}}
    command = ["detloop", "records", "--detections", "/in/detections/detections.csv", "--images", "/in/frames"]
    said = run(engine, image_id, *command, "--output", "/out/records", user=user, volumes=folders)
    wrote = re.search(r"wrote (\d+) images .* to train, (\d+) images", said)
    assert wrote is not None, said
    seen = sum(1 for image in read_detections(detected / "detections/detections.csv") if len(image))
    assert int(wrote[1]) + int(wrote[2]) == seen > FRAMES / 2
    (record,) = (output / "records").glob("train-*.record")
    assert record.stat().st_uid == user


def test_a_user_without_a_name_has_a_home_that_can_be_written_to(engine: Any, image_id: str) -> None:
    program = "import getpass, pathlib; print(getpass.getuser()); (pathlib.Path.home() / 'file').touch()"
    assert run(engine, image_id, "python3", "-c", program, user=NOBODYS_USER) == "detloop\n"


def test_there_is_no_compiler_and_no_pip(engine: Any, image_id: str) -> None:
    look = "for name in cc gcc g++ ld as make pip pip3 uv; do command -v $name; done; python3 -c 'import pip'; true"
    assert "ModuleNotFoundError: No module named 'pip'" in (said := run(engine, image_id, "sh", "-c", look, user=1000))
    assert not re.search(r"^/", said, re.MULTILINE)


def test_what_the_image_says_of_itself(engine: Any, image_id: str) -> None:
    image = engine.images.get(image_id)
    assert image.attrs["Size"] <= MOST_BYTES
    labels = image.labels
    assert labels["org.opencontainers.image.version"] == __version__
    assert re.match(r"[0-9a-f]{7,}", labels["org.opencontainers.image.revision"])
    config = image.attrs["Config"]
    assert config["User"] == "1000:1000"
    assert not config.get("Entrypoint")
    assert not [tag for tag in image.tags if tag.endswith(":latest")]
