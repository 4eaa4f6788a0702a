"""Forwarding to a service of the cluster, with a kubectl that forwards to this machine."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.tools.cluster_fakes import FakeCluster
from tools import cluster_programs
from tools.cluster_programs import ClusterError, forwarded, free_port, is_open


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    cluster = FakeCluster(tmp_path)
    monkeypatch.setenv("PATH", str(cluster.bin), prepend=os.pathsep)
    return cluster


@pytest.fixture
def greeter(cluster: FakeCluster) -> Iterator[None]:
    """A service named greeter, which says hello to whoever connects."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            while True:
                try:
                    caller, _ = listener.accept()
                except OSError:
                    return
                with caller:
                    caller.sendall(b"hello")

        threading.Thread(target=greet, daemon=True).start()
        cluster.serve("greeter", f"http://127.0.0.1:{listener.getsockname()[1]}")
        yield


def said(url: str) -> bytes:
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=10) as caller:
        return caller.recv(5)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.usefixtures("greeter")
def test_a_service_is_reached_and_the_port_is_free_again_afterwards(cluster: FakeCluster) -> None:
    port = free_port()
    with forwarded("greeter", 80, port) as url:
        assert url == f"http://127.0.0.1:{port}"
        assert said(url) == b"hello"
    assert not is_open(port)
    assert cluster.calls() == [f"kubectl port-forward --address 127.0.0.1 service/greeter {port}:80"]


@pytest.mark.usefixtures("greeter")
def test_a_forwarding_that_ended_is_begun_again(cluster: FakeCluster) -> None:
    port = free_port()
    with forwarded("greeter", 80, port) as url:
        cluster.calls()
        cluster.end_forwarding()
        wait_until(lambda: bool(cluster.calls()))
        wait_until(lambda: is_open(port))
        assert said(url) == b"hello"


@pytest.mark.usefixtures("cluster")
def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(ClusterError, match=rf"port {port} of this machine is taken; give another, as UI_PORT="),
            forwarded("greeter", 80, port),
        ):
            pass


def test_a_service_that_cannot_be_reached_is_told(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_programs, "CONNECT_SECONDS", 1)
    cluster.fail("kubectl port-forward")
    with (
        pytest.raises(ClusterError, match=r"service greeter cannot be reached; `kubectl .* get pods` shows why"),
        forwarded("greeter", 80, free_port()),
    ):
        pass
