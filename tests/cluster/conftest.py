"""A KFP server to talk to: the tests' own, or a real one that DETLOOP_TEST_KFP_ENDPOINT names."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from detloop.cli import main
from tests.cluster.kfp_server import KfpServer, serving

REAL_ENDPOINT = os.environ.get("DETLOOP_TEST_KFP_ENDPOINT")

Command = Callable[..., Result]


@pytest.fixture
def own_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[KfpServer]:
    """The tests' own server, for what a real one cannot be told to do; KF_PIPELINES_ENDPOINT leads to it."""
    with serving() as (server, url):
        monkeypatch.setenv("KF_PIPELINES_ENDPOINT", url)
        yield server


@pytest.fixture
def endpoint() -> Iterator[str]:
    """URL of the server that is tested against."""
    if REAL_ENDPOINT:
        yield REAL_ENDPOINT
        return
    with serving() as (_, url):
        yield url


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Runs the command line, with no configuration of KFP or Kubernetes but the test's own."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "no-kubeconfig"))
    monkeypatch.setattr("kfp.Client._LOCAL_KFP_CONTEXT", str(tmp_path / "no-context.json"))
    monkeypatch.setattr("detloop.cluster.watch.POLL_EVERY_SECONDS", 0.01)
    return lambda *words: CliRunner().invoke(main, list(words))


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pipeline compiled with the cpu profile."""
    path = tmp_path_factory.mktemp("package") / "pipeline.yaml"
    result = CliRunner().invoke(main, ["compile", "--output", str(path)])
    assert result.exit_code == 0, result.output
    return path
