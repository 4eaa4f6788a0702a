"""What a step says while it runs, which goes on to the terminal, and what became of it."""

import json
import re
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from detloop.errors import DetloopError

_TRACEBACK = "Traceback (most recent call last):"
_EXECUTOR_CHATTER = re.compile(r"^\[KFP Executor .* INFO\]")
_INPUT_FOLLOWS = "Got executor_input:"
_OWN_ERROR = re.compile(r"^detloop\.errors\.\w+: (.*)")
_OS_ERROR = re.compile(r"^(?:\w+\.)*(?:OSError|\w+Error): \[Errno \d+\] (?P<reason>.*?)(?:: (?P<path>'.*'))?$")
_OUTPUT_FILE = re.compile(r'"outputFile": ?("[^"]*")')


class StepOutcomes:
    """What became of the steps that have run: kfp.local tells neither how long a step took nor why it failed.

    Attributes:
        seconds: wall time of each step that ran, by its task name in the order of execution; a cached one is absent.
        failed: name of the step that failed, or None.
        reason: why, on one line.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.failed: str | None = None
        self.reason = ""

    def follow(self, command: list[str], step: Callable[[], tuple[list[str], int]]) -> int:
        """Runs one step to its end; its exit code.

        Args:
            command: the step's, in which its name is found.
            step: runs it, and returns the traceback that `pass_on` kept of its lines, and its exit code; raises
                DetloopError where it cannot be started.
        """
        name = _task_name(command)
        print(f"\n{name}", file=sys.stderr, flush=True)
        began = time.monotonic()
        try:
            traceback, code = step()
        except DetloopError as error:
            self.failed, self.reason = name, str(error)
            return 1
        self.seconds[name] = time.monotonic() - began
        if code:
            self.failed, self.reason = name, _reason(traceback, code)
        return code


def _task_name(command: list[str]) -> str:
    """The task's name, which is the folder of its executor_output.json."""
    for part in command:
        match = _OUTPUT_FILE.search(part)
        if match:
            return Path(json.loads(match[1])).parent.name
    return "step"


def pass_on(lines: Iterable[str]) -> list[str]:
    """Prints a step's lines as they come, but for KFP's chatter and a traceback, which is returned."""
    traceback: list[str] = []
    for text in _without_chatter(line.rstrip("\n") for line in lines):
        if traceback or text == _TRACEBACK:
            traceback.append(text)
        elif text.strip():
            print(f"  {text}", file=sys.stderr, flush=True)
    return traceback


def _without_chatter(lines: Iterator[str]) -> Iterator[str]:
    """Leaves out the lines of KFP's executor, and the step's input, which it prints as indented JSON."""
    for line in lines:
        if not _EXECUTOR_CHATTER.match(line):
            yield line
        elif line.endswith(_INPUT_FOLLOWS):
            next((end for end in lines if end == "}"), None)


def _reason(traceback: list[str], code: int) -> str:
    """The step's own one-line error; anything else is a fault of ours, so its traceback is shown whole."""
    for line in reversed(traceback):
        if own := _OWN_ERROR.match(line):
            return own[1]
        if system := _OS_ERROR.match(line):
            return f"{system['path']}: {system['reason']}" if system["path"] else system["reason"]
    if traceback:
        print("\n".join(traceback), file=sys.stderr)
    said = next((line for line in reversed(traceback) if line.strip()), "")
    return f"{said} ({_ending(code)})" if said else _ending(code)


def _ending(code: int) -> str:
    """How a process ended; the shell that runs a step reports a signal as 128 and its number."""
    signal_number = -code if code < 0 else code - 128
    if signal_number == signal.SIGKILL:
        return f"killed by signal {signal_number}, as the system does when memory runs out"
    return f"killed by signal {signal_number}" if signal_number > 0 else f"exit code {code}"
