"""The container engine and the project's own image; tests are skipped where either is missing."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.film import find_film
from demo.teacher import find_teacher
from detloop.cluster.containers import connect_engine, plan_containers
from detloop.errors import DetloopError
from detloop.frames import write_frames

ROOT = Path(__file__).parent.parent.parent
FRAMES = 12
USER = 1000


@pytest.fixture(scope="session")
def engine() -> Iterator[Any]:
    """A client of Docker, or of podman's service where DOCKER_HOST names it."""
    try:
        client = connect_engine()
    except DetloopError as error:
        pytest.skip(str(error))
    yield client
    client.close()


@pytest.fixture(scope="session")
def image_id(engine: Any) -> str:
    """The image that `make images` has built of this version."""
    try:
        return plan_containers(None, []).image_id
    except DetloopError as error:
        pytest.skip(str(error))


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return of_a_user(tmp_path / "out")


def of_a_user(folder: Path) -> Path:
    """A new folder that does not belong to root, whoever runs the tests."""
    folder.mkdir()
    if os.getuid() == 0:
        os.chown(folder, USER, USER)
    return folder


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first frames of the demo's film as frames/, and label_map.pbtxt."""
    try:
        film = find_film(None, ROOT / "out" / "film")
    except DetloopError as error:
        pytest.skip(f"no film: {error}")
    folder = tmp_path_factory.mktemp("inputs")
    write_frames(video=str(film), output=folder / "frames", first=FRAMES)
    find_teacher(folder)
    for path in (folder.parent.parent, folder.parent, folder):
        path.chmod(0o755)
    return folder
