"""How a KFP server is found, and what is said where it is not, or does not want us."""

from pathlib import Path

import pytest

from tests.cluster.conftest import Command
from tests.cluster.kfp_server import KfpServer

TOKEN = "eyJ-secret-token"  # noqa: S105


def test_a_server_that_does_not_answer_is_told_in_one_line(command: Command) -> None:
    result = command("schedule", "list", "--endpoint", "http://127.0.0.1:1")
    assert result.exit_code == 1
    assert result.stderr == "detloop: error: http://127.0.0.1:1: the KFP server does not answer: Connection refused\n"


def test_no_server_at_all_is_told_in_one_line(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KF_PIPELINES_ENDPOINT", raising=False)
    result = command("schedule", "list")
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "detloop: error: no KFP server is known: give --endpoint, set KF_PIPELINES_ENDPOINT"
    )


def test_a_token_is_taken_from_a_file_or_the_environment(
    command: Command, own_server: KfpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_server.token = TOKEN
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert command("schedule", "list", "--token-file", str(tmp_path / "token")).exit_code == 0
    monkeypatch.setenv("KFP_EXISTING_TOKEN", TOKEN)
    assert command("schedule", "list").exit_code == 0


def test_a_refused_token_is_not_shown(command: Command, own_server: KfpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    own_server.token = "another"  # noqa: S105
    monkeypatch.setenv("KFP_EXISTING_TOKEN", TOKEN)
    result = command("schedule", "list")
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "detloop: error: the KFP server refuses the request (401 Unauthorized): give a valid"
    )
    assert TOKEN not in result.output


def test_a_servers_own_error_is_told_in_one_line(command: Command, own_server: KfpServer) -> None:
    result = command("watch", "no-such-run")
    assert result.stderr == "detloop: error: the KFP server answers 404: Run no-such-run not found\n"
