"""What one run of a test file leaves behind: a line of JSON for each event, and how such lines are counted."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGE = "object_detection"


def module_name(file: str) -> str:
    """utils/ops_test.py -> object_detection.utils.ops_test."""
    return f"{PACKAGE}.{file.removesuffix('.py').replace('/', '.')}"


def result_path(out_dir: Path, behaviour: str, file: str) -> Path:
    """Where the records of a test file go."""
    return out_dir / behaviour / f"{file.removesuffix('.py').replace('/', '.')}.jsonl"


class Record:
    """Appends events to a new file; each is on disk before the next test starts, so a crash loses none."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("")

    def collected(self, tests: Sequence[str]) -> None:
        """The tests that the file holds, before the first of them runs."""
        self._write({"collected": list(tests)})

    def test(self, name: str, outcome: str, seconds: float, message: str = "", trace: str = "") -> None:
        """One test's outcome: passed, failed or skipped."""
        line = {"test": name, "outcome": outcome, "seconds": round(seconds, 2), "message": message, "trace": trace}
        self._write({key: value for key, value in line.items() if value != ""})

    def end(self, how: str, seconds: float) -> None:
        """How the file's process ended: "done", or why it did not."""
        self._write({"ended": how, "seconds": round(seconds, 1)})

    def _write(self, event: dict[str, Any]) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(event) + "\n")


@dataclass(frozen=True)
class Outcome:
    """A test's name, how it went, and the reason where it did not pass."""

    name: str
    outcome: str
    message: str = ""


@dataclass(frozen=True)
class FileResult:
    """All tests of one file in one behaviour."""

    file: str
    outcomes: tuple[Outcome, ...]
    seconds: float = 0.0

    def count(self, outcome: str) -> int:
        """How many tests went this way."""
        return sum(each.outcome == outcome for each in self.outcomes)

    def failures(self) -> list[Outcome]:
        """The tests that failed."""
        return [each for each in self.outcomes if each.outcome == "failed"]


def read_result(path: Path, file: str) -> FileResult:
    """Reads a file of records; a collected test without an outcome failed, for the reason the process ended."""
    events = _events(path)
    collected = [name for event in events for name in event.get("collected", [])]
    ran = {event["test"]: _outcome(event) for event in events if "test" in event}
    ended, seconds = next(
        ((event["ended"], event["seconds"]) for event in events if "ended" in event), ("cut off", 0.0)
    )
    missing = [Outcome(name, "failed", f"not finished: {ended}") for name in collected if name not in ran]
    if ended != "done" and not ran and not missing:
        missing = [Outcome("(import)", "failed", f"not finished: {ended}")]
    return FileResult(file, (*ran.values(), *missing), seconds)


def is_finished(path: Path) -> bool:
    """Whether a file of records tells how its test file ended, by itself or by its time limit."""
    return any("ended" in event for event in _events(path))


def _events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _outcome(event: dict[str, Any]) -> Outcome:
    return Outcome(event["test"], event["outcome"], event.get("message", ""))
