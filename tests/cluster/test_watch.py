"""A run followed to its end: what is shown on the way, how a failure is told, and a server that goes away."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from tests.cluster.conftest import Command
from tests.cluster.kfp_server import KfpServer
from tests.cluster.run_states import at, node, step
from tests.cluster.test_submit import NEEDED

ROOT = Path(__file__).parents[2]
DETECTED = step("detect", "SUCCEEDED", 5, 65)
LAUNCHERS_END = (
    "I1124 12:01:22.123456       1 launcher_v2.go:193] publish failed.",
    "F1124 12:01:22.123456       1 main.go:57] failed to execute component: exit status 1",
    'time="2026-11-24T12:01:22 UTC" level=info msg="sub-process exited" argo=true error="<nil>"',
    "Error: exit status 1",
)
"""What KFP's launcher and Argo say after a step's own last line."""


def submit_and_wait(command: Command, package: Path) -> tuple[int, str, list[str]]:
    """Exit code, standard output, and the lines of standard error without their times of day."""
    result = command("submit", "--wait", "--package", str(package), *NEEDED, "--run-name", "one")
    lines = [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in result.stderr.splitlines()]
    assert lines[0].startswith("submitted 'one'")
    return result.exit_code, result.stdout, lines[1:]


def test_each_change_is_a_line_and_the_end_a_table(command: Command, own_server: KfpServer, package: Path) -> None:
    own_server.progress = [
        at("PENDING", []),
        at("RUNNING", step("detect", "RUNNING", 5)),
        at("RUNNING", [*DETECTED, *step("records", "RUNNING", 66)]),
        at("SUCCEEDED", [*DETECTED, *step("records", "SUCCEEDED", 66, 3700)], 3701),
    ]
    code, out, lines = submit_and_wait(command, package)
    assert code == 0
    assert lines == [
        "detect with the teacher: running",
        "detect with the teacher: succeeded after 1:00 min",
        "records: running",
        "records: succeeded after 1:00:34 h",
    ]
    rows = [" ".join(row.split()) for row in out.splitlines()]
    assert rows[:2] == ["select the images - skipped", "detect with the teacher 1:00 min succeeded"]
    assert "train - skipped" in rows
    assert rows[-1].endswith("succeeded after 1:01:41 h")


def test_a_failed_step_is_named_with_its_last_lines(command: Command, own_server: KfpServer, package: Path) -> None:
    said = [*(f"step {number}" for number in range(100)), "detloop.errors.DetloopError: a.record: is cut short"]
    own_server.logs["run-train-impl-1"] = "\n".join([*said, *LAUNCHERS_END])
    failed = [*DETECTED, *step("train", "FAILED", 70, 82), *step("report", "SKIPPED", 90, 90)]
    own_server.progress = [at("RUNNING", DETECTED), at("FAILED", failed, 91)]
    code, out, lines = submit_and_wait(command, package)
    assert (code, out) == (1, "")
    assert lines[-1] == "detloop: error: step train failed after 12 s: a.record: is cut short"
    assert lines[-22] == "the last lines of train:"
    assert lines[-21:-1] == [f"  {line}" for line in said[-20:]]


def test_the_log_of_the_last_try_is_shown(command: Command, own_server: KfpServer, package: Path) -> None:
    own_server.logs = {"try-0": "the first try", "try-1": "the second try"}
    tries = [
        node("train", "FAILED", 70, 200, ("retry-node",)),
        node("executor", "FAILED", 71, 200, ("try-0", "try-1")),
    ]
    own_server.progress = [at("FAILED", tries, 201)]
    code, _, lines = submit_and_wait(command, package)
    assert code == 1
    assert lines[-2:] == ["  the second try", "detloop: error: step train failed after 2:10 min: the second try"]


def test_a_failure_without_a_log_is_told_all_the_same(command: Command, own_server: KfpServer, package: Path) -> None:
    own_server.progress = [at("FAILED", step("train", "FAILED", 70, 82), 91)]
    code, _, lines = submit_and_wait(command, package)
    assert code == 1
    assert lines[-1].endswith("step train failed after 12 s: the server keeps neither reason nor log")


def test_a_canceled_run_is_a_failure(command: Command, own_server: KfpServer, package: Path) -> None:
    own_server.progress = [at("CANCELED", DETECTED, 91)]
    code, _, lines = submit_and_wait(command, package)
    assert code == 1
    assert re.fullmatch(r"detloop: error: run [-0-9a-f]+ canceled", lines[-1])


def test_a_server_that_is_away_for_a_moment_is_waited_for(
    command: Command, own_server: KfpServer, package: Path
) -> None:
    assert command("submit", "--package", str(package), *NEEDED).exit_code == 0
    (run_id,) = own_server.runs
    own_server.progress = [at("SUCCEEDED", DETECTED, 91)]

    def go_away(run: object) -> None:
        own_server.outages = 1

    own_server.progress.insert(0, go_away)
    result = command("watch", run_id)
    assert result.exit_code == 0, result.stderr


def test_on_a_terminal_the_table_stays_in_its_place(own_server: KfpServer, package: Path) -> None:
    own_server.progress = [at("RUNNING", step("detect", "RUNNING", 5)), at("SUCCEEDED", DETECTED, 91)]
    ours, theirs = pty.openpty()
    watched = subprocess.Popen(
        [sys.executable, "-m", "detloop.cli", "submit", "--wait", "--package", str(package), *NEEDED],
        cwd=ROOT,
        stderr=theirs,
        stdout=subprocess.PIPE,
    )
    os.close(theirs)
    shown = b""
    try:
        while data := os.read(ours, 4096):
            shown += data
    except OSError:
        """The other end is closed."""
    assert watched.wait(60) == 0
    tables = re.split(r"\x1b\[(\d+)F\x1b\[J", shown.decode())
    assert len(tables) == 3
    before, rows, after = tables
    assert int(rows) == after.count("\n") == before.count("\n") - len(["submitted"])
    assert re.search(r"> detect with the teacher +[\d:]+ h +running\r\n", before)
    assert re.search(r"\+ detect with the teacher +1:00 min +succeeded\r\n", after)
