"""A step's process as kfp.local starts it: what it says goes on to the terminal, why it failed is kept."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kfp.local import subprocess_task_handler

_TRACEBACK = "Traceback (most recent call last):"
_EXECUTOR_CHATTER = re.compile(r"^\[KFP Executor .* INFO\]")
_OWN_ERROR = re.compile(r"^detloop\.errors\.\w+: (.*)")
_OUTPUT_FILE = re.compile(r'"outputFile": ?("[^"]*")')


class StepProcesses:
    """Runs the steps' processes in the place of kfp.local's own function, and keeps their times and last error.

    kfp.local tells neither how long a step took nor why it failed, and indents and buffers what steps say.

    Attributes:
        seconds: wall time of each step that ran, by its task name in the order of execution; a cached one is absent.
        failed: name of the step that failed, or None.
        reason: why, on one line.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.failed: str | None = None
        self.reason = ""

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Lets kfp.local use `run` while the block lasts."""
        original = subprocess_task_handler.run_local_subprocess
        subprocess_task_handler.run_local_subprocess = self.run
        try:
            yield
        finally:
            subprocess_task_handler.run_local_subprocess = original

    def run(self, full_command: list[str], env_vars: dict[str, str] | None = None) -> int:
        """Runs one step; its exit code. The signature is that of kfp.local's run_local_subprocess."""
        name = _task_name(full_command)
        print(f"\n{name}", file=sys.stderr, flush=True)
        began = time.monotonic()
        process = subprocess.Popen(  # noqa: S603
            full_command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, **(env_vars or {})},
        )
        with process:
            traceback = _pass_on(process.stdout or ())
            code = process.wait()
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


def _pass_on(lines: Iterator[str] | tuple[()]) -> list[str]:
    """Prints a step's lines as they come, but for KFP's chatter and a traceback, which is returned."""
    traceback: list[str] = []
    for line in lines:
        text = line.rstrip("\n")
        if traceback or text == _TRACEBACK:
            traceback.append(text)
        elif text.strip() and not _EXECUTOR_CHATTER.match(text):
            print(f"  {text}", file=sys.stderr, flush=True)
    return traceback


def _reason(traceback: list[str], code: int) -> str:
    """The step's own one-line error; anything else is a fault of ours, so its traceback is shown whole."""
    for line in reversed(traceback):
        own = _OWN_ERROR.match(line)
        if own:
            return own[1]
    print("\n".join(traceback), file=sys.stderr)
    said = next((line for line in reversed(traceback) if line.strip()), "")
    ended = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
    return f"{said} ({ended})" if said else ended
