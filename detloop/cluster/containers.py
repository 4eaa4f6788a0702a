"""What the steps' containers on this machine are started with: their image, their network, and which files they see."""

import contextlib
import importlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from detloop.cluster.profile import Image
from detloop.errors import DetloopError
from detloop.store import in_bucket

NO_NETWORK = "none"
STORE_VARIABLES = ("AWS_", "MINIO_", "S3_ENDPOINT", "GOOGLE_", "STORAGE_EMULATOR_HOST", "SSL_CERT_FILE")
"""How the variables begin that say where stores are and who asks; docs/storage.md has them all."""


@dataclass(frozen=True)
class Containers:
    """What the containers of a run have in common.

    Attributes:
        image_id: of the image in which all steps run.
        network: name of the engine's network that they are on.
        environment: variables that every step has; no log and no compiled pipeline shows them.
        inputs: files and folders that they see at the same path, and cannot change.
        outputs: folders beside the pipeline root that they write to.
    """

    image_id: str
    network: str = NO_NETWORK
    environment: dict[str, str] = field(default_factory=dict)
    inputs: tuple[Path, ...] = ()
    outputs: tuple[Path, ...] = ()


def plan_containers(
    image: str | None, arguments: Iterable[Any], network: str | None = None, output: str = ""
) -> Containers:
    """The containers of a run with these arguments: they see no other files of this machine than those named there.

    Args:
        image: in which all steps run; None for the project's own, as the cpu profile names it.
        arguments: the pipeline's; a text that is an absolute path names an input, so does a glob pattern.
        network: of the engine; None for none at all, or where images lie in a bucket for the engine's usual one.
        output: one of the arguments, whose folder the steps write to; it is made where it is not there. Empty for none.

    Raises:
        DetloopError: no container engine answers, or it lacks the image.
    """
    texts = [one for one in arguments if isinstance(one, str)]
    needs_store = any(map(in_bucket, texts))
    variables = os.environ.items() if needs_store else ()
    environment = {name: value for name, value in variables if name.startswith(STORE_VARIABLES)}
    outputs = [Path(output)] if output and not in_bucket(output) else []
    for folder in outputs:
        folder.mkdir(parents=True, exist_ok=True)
    paths = {place for text in (*texts, *environment.values()) if (place := _input(text))}
    return Containers(
        image_id=_image_id(image or Image().reference("cpu")),
        network=network or ("bridge" if needs_store else NO_NETWORK),
        environment=environment,
        inputs=tuple(sorted(paths.difference(outputs))),
        outputs=tuple(outputs),
    )


def docker_sdk() -> Any:
    """The Python package docker, which KFP leaves to those who want containers.

    Raises:
        DetloopError: it is not installed.
    """
    with contextlib.suppress(ImportError):
        sdk = importlib.import_module("docker")
        # A folder of this name in the working folder can be imported too.
        if hasattr(sdk, "from_env"):
            return sdk
    raise DetloopError("containers need the Python package docker; install it: uv pip install docker")


def connect_engine() -> Any:
    """A client of the container engine: Docker's, or the one that DOCKER_HOST names.

    Raises:
        DetloopError: it does not answer.
    """
    docker = docker_sdk()
    try:
        return docker.from_env()
    except docker.errors.DockerException:
        place = os.environ.get("DOCKER_HOST", "its usual socket")
        raise DetloopError(
            f"no container engine answers at {place}; start Docker, or `podman system service` and set DOCKER_HOST"
        ) from None


def _image_id(image: str) -> str:
    with contextlib.closing(connect_engine()) as engine:
        try:
            return str(engine.images.get(image).id)
        except docker_sdk().errors.ImageNotFound:
            raise DetloopError(f"image {image}: is not here; build it with `make images`, or pull it") from None


def _input(text: str) -> Path | None:
    """What of this machine a text names: a file or folder, or the folder that a pattern or a checkpoint's name is in.

    A manifest's images lie beside it.
    """
    path = Path(text)
    if not path.is_absolute() or "\n" in text:
        return None
    place = path.parent if path.suffix == ".txt" else path
    while not place.exists():
        place = place.parent
    return place if place != Path("/") else None
