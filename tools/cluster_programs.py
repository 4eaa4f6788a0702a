"""The programs by which the kind cluster is made and talked to: docker, kind and kubectl."""

import base64
import json
import secrets
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CLUSTER = "detloop"
CONTEXT = f"kind-{CLUSTER}"
NAMESPACE = "kubeflow"
CONNECT_SECONDS = 60
SOURCES = {
    "make": "https://www.gnu.org/software/make/",
    "docker": "https://docs.docker.com/engine/install/",
    "kind": "https://kind.sigs.k8s.io/docs/user/quick-start/#installation",
    "kubectl": "https://kubernetes.io/docs/tasks/tools/",
    "git": "https://git-scm.com/downloads",
}


class ClusterError(Exception):
    """Why the cluster cannot be made or used, in one line."""


def need(*programs: str) -> None:
    """Raises ClusterError for the first program that is not on the PATH."""
    for program in programs:
        if shutil.which(program) is None:
            raise ClusterError(f"{program} is not on the PATH; {SOURCES[program]} tells how to install it")


def run(*command: str, given: str | None = None) -> None:
    """Shows and runs a command whose output is the user's; `given` goes to its standard input and is not shown.

    Raises:
        ClusterError: it failed.
    """
    print(f"$ {' '.join(command)}", flush=True)
    code = subprocess.run(command, check=False, input=given, text=True).returncode  # noqa: S603
    if code:
        raise ClusterError(f"`{' '.join(command)}` failed (exit code {code})")


def ask(*command: str) -> str | None:
    """What a command answers, or None where it fails."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    return done.stdout if done.returncode == 0 else None


def kubectl(*words: str) -> tuple[str, ...]:
    """A kubectl command for this cluster and KFP's namespace, whatever the user's own context is."""
    return ("kubectl", "--context", CONTEXT, "--namespace", NAMESPACE, *words)


def apply(folder: Path) -> None:
    """Applies a kustomization, which says itself what belongs to which namespace."""
    run("kubectl", "--context", CONTEXT, "apply", "--kustomize", str(folder))


def read_secret(name: str) -> dict[str, str] | None:
    """The values of a secret of the cluster; None where there is no such secret."""
    answer = ask(*kubectl("get", "secret", name, "--output", "json"))
    if answer is None:
        return None
    return {key: base64.b64decode(value).decode() for key, value in json.loads(answer)["data"].items()}


def make_secret(name: str, user: str) -> None:
    """Makes a secret with the keys of an S3 user, its password by chance, where there is none of this name yet."""
    if read_secret(name) is not None:
        return
    values = {"accesskey": user, "secretkey": secrets.token_hex(20)}
    labels = {"app.kubernetes.io/part-of": "detloop"}
    secret: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "labels": labels}}
    run(*kubectl("create", "--filename", "-"), given=json.dumps(secret | {"stringData": values}))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def forwarded(service: str, port: int, local_port: int) -> Iterator[str]:
    """Lets 127.0.0.1:local_port lead to a service of the cluster; gives its URL.

    kubectl ends a forwarding when the pod behind it does; it is begun again until the block is left.

    Raises:
        ClusterError: the port is taken, or the service cannot be reached.
    """
    command = kubectl("port-forward", "--address", "127.0.0.1", f"service/{service}", f"{local_port}:{port}")
    if is_open(local_port):
        raise ClusterError(f"port {local_port} of this machine is taken; give another, as UI_PORT=8081")
    ended = threading.Event()
    thread = threading.Thread(target=_keep_running, args=(command, ended), daemon=True)
    thread.start()
    try:
        _wait_until_open(local_port, service)
        yield f"http://127.0.0.1:{local_port}"
    finally:
        ended.set()
        thread.join()


def _keep_running(command: Sequence[str], ended: threading.Event) -> None:
    while not ended.is_set():
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
        while process.poll() is None and not ended.wait(0.2):
            pass
        process.terminate()
        process.wait()
        ended.wait(1)


def _wait_until_open(port: int, service: str) -> None:
    deadline = time.monotonic() + CONNECT_SECONDS
    while not is_open(port):
        if time.monotonic() > deadline:
            raise ClusterError(f"service {service} cannot be reached; `{' '.join(kubectl('get', 'pods'))}` shows why")
        time.sleep(0.2)


def is_open(port: int) -> bool:
    """Whether something listens on this port of this machine."""
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0
