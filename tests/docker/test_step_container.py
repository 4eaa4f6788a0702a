"""Steps in containers: what they may do, how a failure is told, and what a killed run leaves behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from detloop.cluster import run_locally
from detloop.cluster.containers import Containers
from detloop.cluster.step_container import RUN_LABEL
from detloop.errors import DetloopError
from tests.cluster.tiny_loop import RESULTS, tiny_loop
from tests.docker.conftest import ROOT, USER

pytestmark = pytest.mark.heavy


def diary_in(output: Path) -> Path:
    """The file that the steps write to, in the only folder that they can write to."""
    root = output / "pipeline"
    root.mkdir()
    diary = root / "diary.txt"
    diary.touch()
    diary.chmod(0o666)
    return diary


def containers_of(engine: Any, output: Path) -> list[Any]:
    label = f"{RUN_LABEL}={output / 'pipeline'}"
    found: list[Any] = engine.containers.list(all=True, filters={"label": label})
    return found


def test_results_lie_in_the_output_and_belong_to_its_owner(engine: Any, image_id: str, output: Path) -> None:
    diary = diary_in(output)
    run_locally(tiny_loop, RESULTS, {"text": "abc", "diary": str(diary)}, output, Containers(image_id))
    assert diary.read_text().splitlines() == ["label abc", "learn"]
    assert (output / "teacher/detections.csv").read_text() == "abc"
    (table,) = (output / "pipeline").glob("*/label/detections/detections.csv")
    assert table.stat().st_uid == (os.getuid() or USER)
    assert containers_of(engine, output) == []


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("bad input", r"^step learn: .*/detections: nothing to learn from$"),
        ("full disk", r"^step learn: '.*model': No space left on device"),
        ("bug", r"^step learn: ZeroDivisionError: division by zero"),
        ("killed", r"^step learn: killed by signal 9"),
    ],
)
def test_a_container_that_fails_makes_the_run_fail(
    engine: Any, image_id: str, output: Path, trouble: str, reason: str
) -> None:
    arguments = {"text": "abc", "diary": str(diary_in(output)), "trouble": trouble}
    with pytest.raises(DetloopError, match=reason):
        run_locally(tiny_loop, RESULTS, arguments, output, Containers(image_id))
    assert not (output / "report.html").exists()
    assert containers_of(engine, output) == []


def test_what_the_engine_refuses_is_told_in_one_line(image_id: str, output: Path) -> None:
    arguments = {"text": "abc", "diary": str(diary_in(output))}
    with pytest.raises(DetloopError, match=r"^step label: the container engine says: .*no-such-network") as caught:
        run_locally(tiny_loop, RESULTS, arguments, output, Containers(image_id, network="no-such-network"))
    assert "\n" not in str(caught.value)


def test_the_container_of_a_killed_run_is_ended_by_the_next(engine: Any, image_id: str, output: Path) -> None:
    diary = diary_in(output)
    gate = diary.with_name("gate")
    arguments = {"text": "abc", "diary": str(diary), "gate": str(gate)}
    command = [sys.executable, "-m", "tests.cluster.tiny_loop", json.dumps(arguments), str(output), image_id]
    killed = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while "learn" not in diary.read_text():
        assert killed.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    (left,) = containers_of(engine, output)
    gate.touch()

    run_locally(tiny_loop, RESULTS, arguments, output, Containers(image_id))

    assert diary.read_text().splitlines() == ["label abc", "learn", "learn"]
    assert containers_of(engine, output) == []
    assert left.id not in [one.id for one in engine.containers.list(all=True)]
