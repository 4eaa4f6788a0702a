"""A step's container as kfp.local's DockerRunner starts it: shut in, watched to its end, and removed."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kfp import local
from kfp.local import status

from detloop.cluster.containers import Containers, connect_engine, docker_sdk
from detloop.cluster.replaced import replaced
from detloop.cluster.step_output import StepOutcomes, pass_on
from detloop.errors import DetloopError

RUN_LABEL = "detloop.run"


class StepContainers(StepOutcomes):
    """Runs the steps' containers in the place of kfp.local's own function.

    That function lets the engine remove a container when it ends, and takes one that it no longer finds for one that
    succeeded: https://github.com/kubeflow/pipelines/issues/13332. It also connects to the engine anew for every step.

    Args:
        containers: what they are started with.
        root: the pipeline root, which they write to. They run as the user who runs this, but not as root where the
            folder that `root` is in belongs to somebody else: `root` then becomes theirs.
    """

    def __init__(self, containers: Containers, root: Path) -> None:
        super().__init__()
        self._root, self._environment = root, containers.environment
        self._settings: dict[str, Any] = {
            "image": containers.image_id,
            "network_mode": containers.network,
            "mounts": [_mount(path, read_only=True) for path in containers.inputs]
            + [_mount(path, read_only=False) for path in containers.outputs],
            "volumes": {str(root): {"bind": str(root), "mode": "rw"}},
            "user": _made_writable(root),
            "read_only": True,
            "tmpfs": {"/tmp": "mode=1777"},  # noqa: S108
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "labels": {RUN_LABEL: str(root)},
        }

    def runner(self) -> local.DockerRunner:
        """What kfp.local is to run steps by."""
        return local.DockerRunner()

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Lets kfp.local use `run` while the block lasts; ends what a killed run has left behind first.

        Raises:
            DetloopError: no container engine answers.
        """
        from kfp.local.docker_task_handler import DockerTaskHandler

        with contextlib.closing(connect_engine()) as engine:
            for left in engine.containers.list(all=True, filters={"label": f"{RUN_LABEL}={self._root}"}):
                left.remove(force=True)
            self._settings |= _demanded_by(engine.info().get("SecurityOptions", []), self._settings)

            def run_here(handler: Any) -> status.Status:
                return self.run(engine, handler.full_command, handler.env_vars)

            with replaced(DockerTaskHandler, "run", run_here):
                yield

    def run(self, engine: Any, command: list[str], environment: dict[str, str]) -> status.Status:
        """Runs one step to its end."""
        code = self.follow(command, lambda: self._run(engine, command, environment))
        return status.Status.FAILURE if code else status.Status.SUCCESS

    def _run(self, engine: Any, command: list[str], environment: dict[str, str]) -> tuple[list[str], int]:
        try:
            container = engine.containers.create(
                command=command, environment={**environment, **self._environment}, **self._settings
            )
            with _removed_after(container):
                container.start()
                traceback = pass_on(_lines(container.logs(stream=True, follow=True)))
                return traceback, container.wait()["StatusCode"]
        except docker_sdk().errors.APIError as error:
            raise DetloopError(f"the container engine says: {error.explanation or error}") from None


def _mount(path: Path, read_only: bool) -> Any:
    """At the same path inside."""
    return docker_sdk().types.Mount(str(path), str(path), "bind", read_only=read_only)


def _demanded_by(security: list[str], settings: dict[str, Any]) -> dict[str, Any]:
    """Settings that the engine's kind demands.

    An engine without root's rights calls the user who started it root; with SELinux a folder is shared by its label.
    """
    demanded: dict[str, Any] = {}
    if "name=rootless" in security:
        demanded["user"] = "0:0"
    if "name=selinux" in security:
        demanded["volumes"] = {path: {**bind, "mode": "rw,z"} for path, bind in settings["volumes"].items()}
    return demanded


@contextmanager
def _removed_after(container: Any) -> Iterator[None]:
    try:
        yield
    finally:
        container.remove(force=True)


def _made_writable(root: Path) -> str:
    """Gives `root`, where root runs this, to the owner of its folder; the user and group who own it."""
    if os.getuid():
        return f"{os.getuid()}:{os.getgid()}"
    owner = root.parent.stat()
    os.chown(root, owner.st_uid, owner.st_gid)
    return f"{owner.st_uid}:{owner.st_gid}"


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.decode(errors="replace") for line in lines)
    if rest:
        yield rest.decode(errors="replace")
