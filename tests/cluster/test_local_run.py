"""Runs of a pipeline on this machine: what is shown, what is done again and what is not, and how a failure is told."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from detloop.cluster import run_locally
from detloop.cluster.run_folder import locked
from detloop.errors import DetloopError
from tests.cluster.tiny_loop import RESULTS, tiny_loop

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def diary(tmp_path: Path) -> Path:
    """The file that every step which really runs writes its name to."""
    path = tmp_path / "diary.txt"
    path.touch()
    return path


def start_run(arguments: dict[str, str], output: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.cluster.tiny_loop", json.dumps(arguments), str(output)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(path: Path, text: str, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while text not in path.read_text():
        assert time.monotonic() < deadline, f"{path} never held {text!r}"
        time.sleep(0.02)


def test_results_lie_in_the_output_and_the_summary_tells_them(
    tmp_path: Path, diary: Path, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    summary = str(run_locally(tiny_loop, RESULTS, {"text": "abc", "diary": str(diary)}, tmp_path / "out"))

    assert (tmp_path / "out/report.html").read_text() == "<p>learnt</p>"
    assert (tmp_path / "out/records.html").read_text() == "<p>learnt</p>"
    assert json.loads((tmp_path / "out/metrics.json").read_text()) == {}
    assert (tmp_path / "out/teacher/detections.csv").read_text() == "abc"
    assert (tmp_path / "out/model/saved_model/attempts").is_file()
    rows = {line.split()[0]: line for line in summary.splitlines() if line[:1].strip()}
    assert list(rows)[1:-1] == list(RESULTS)
    assert rows["teacher_detections"].endswith("boxes 3")
    assert rows["model"].endswith("steps 3")

    shown = capfd.readouterr()
    assert shown.out == ""
    assert shown.err.split("\n") == ["", "label", "  labelled abc", "", "learn", ""]
    assert [str(warning.message) for warning in recwarn if "kfp" in warning.filename] == []


def test_paths_that_hold_the_name_of_python_stay_what_they_are(tmp_path: Path) -> None:
    diary = tmp_path / "lib/python3.11/diary.txt"
    diary.parent.mkdir(parents=True)
    run_locally(tiny_loop, RESULTS, {"text": "python3", "diary": str(diary)}, tmp_path / "python3/out")
    assert diary.read_text().splitlines() == ["label python3", "learn"]
    assert (tmp_path / "python3/out/teacher/detections.csv").read_text() == "python3"


def test_a_second_run_takes_the_results_of_the_first(tmp_path: Path, diary: Path) -> None:
    arguments = {"text": "abc", "diary": str(diary)}
    run_locally(tiny_loop, RESULTS, arguments, tmp_path / "out")
    again = run_locally(tiny_loop, RESULTS, arguments, tmp_path / "out")
    assert diary.read_text().splitlines() == ["label abc", "learn"]
    assert all(step.seconds is None for step in again.steps)
    assert (tmp_path / "out/report.html").read_text() == "<p>learnt</p>"


def test_only_the_steps_that_an_argument_reaches_run_again(tmp_path: Path, diary: Path) -> None:
    arguments = {"text": "abc", "diary": str(diary)}
    run_locally(tiny_loop, RESULTS, arguments, tmp_path / "out")
    gate = tmp_path / "gate"
    gate.touch()
    run_locally(tiny_loop, RESULTS, {**arguments, "gate": str(gate)}, tmp_path / "out")
    assert diary.read_text().splitlines() == ["label abc", "learn", "learn"]
    run_locally(tiny_loop, RESULTS, {**arguments, "text": "abcd"}, tmp_path / "out")
    assert diary.read_text().splitlines() == ["label abc", "learn", "learn", "label abcd", "learn"]


def test_a_killed_run_goes_on_in_the_folder_of_the_unfinished_step(tmp_path: Path, diary: Path) -> None:
    arguments = {"text": "abc", "diary": str(diary), "gate": str(tmp_path / "gate")}
    killed = start_run(arguments, tmp_path / "out")
    wait_for(diary, "learn")
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    with locked(tmp_path / "out/pipeline"):
        """Free although the gate is shut: the step has died with its run."""
    (tmp_path / "gate").touch()

    run_locally(tiny_loop, RESULTS, arguments, tmp_path / "out")

    assert diary.read_text().splitlines() == ["label abc", "learn", "learn"]
    assert (tmp_path / "out/model/saved_model/attempts").read_text().splitlines() == ["begun", "begun"]


def test_two_runs_do_not_work_in_one_output_at_once(tmp_path: Path, diary: Path) -> None:
    arguments = {"text": "abc", "diary": str(diary), "gate": str(tmp_path / "gate")}
    runs = [start_run(arguments, tmp_path / "out")]
    wait_for(diary, "learn")
    runs.append(start_run(arguments, tmp_path / "out"))
    assert runs[1].stderr is not None
    while "waiting for another run" not in runs[1].stderr.readline():
        assert runs[1].poll() is None
    assert diary.read_text().splitlines() == ["label abc", "learn"]
    (tmp_path / "gate").touch()
    for run in runs:
        run.communicate(timeout=30)
    assert [run.returncode for run in runs] == [0, 0]
    assert diary.read_text().splitlines() == ["label abc", "learn"]


@pytest.mark.parametrize(
    ("trouble", "reason", "traceback_shown"),
    [
        ("bad input", r"^step learn: .*/detections: nothing to learn from$", False),
        ("full disk", r"^step learn: '.*model': No space left on device", False),
        ("bug", r"^step learn: ZeroDivisionError: division by zero", True),
        ("killed", r"^step learn: killed by signal 9", False),
    ],
)
def test_a_failing_step_is_told_in_one_line(
    tmp_path: Path,
    diary: Path,
    capfd: pytest.CaptureFixture[str],
    trouble: str,
    reason: str,
    traceback_shown: bool,
) -> None:
    with pytest.raises(DetloopError, match=reason) as caught:
        run_locally(tiny_loop, RESULTS, {"text": "abc", "diary": str(diary), "trouble": trouble}, tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert ("Traceback" in capfd.readouterr().err) == traceback_shown
    assert not (tmp_path / "out/report.html").exists()
