"""A step's process as kfp.local starts it: what it says goes on to the terminal, why it failed is kept."""

import ctypes
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kfp.dsl.component_factory import EXECUTOR_MODULE
from kfp.local import subprocess_task_handler

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
"""Source: linux/prctl.h."""

_TRACEBACK = "Traceback (most recent call last):"
_EXECUTOR_CHATTER = re.compile(r"^\[KFP Executor .* INFO\]")
_INPUT_FOLLOWS = "Got executor_input:"
_OWN_ERROR = re.compile(r"^detloop\.errors\.\w+: (.*)")
_OS_ERROR = re.compile(r"^(?:\w+\.)*(?:OSError|\w+Error): \[Errno \d+\] (?P<reason>.*?)(?:: (?P<path>'.*'))?$")
_OUTPUT_FILE = re.compile(r'"outputFile": ?("[^"]*")')


class StepProcesses:
    """Runs the steps' processes in the place of kfp.local's own function, and keeps their times and last error.

    kfp.local tells neither how long a step took nor why it failed, and indents and buffers what steps say.

    Args:
        inherited_descriptors: open files that every step holds until it ends.

    Attributes:
        seconds: wall time of each step that ran, by its task name in the order of execution; a cached one is absent.
        failed: name of the step that failed, or None.
        reason: why, on one line.
    """

    def __init__(self, inherited_descriptors: tuple[int, ...] = ()) -> None:
        self._inherited_descriptors = inherited_descriptors
        self.seconds: dict[str, float] = {}
        self.failed: str | None = None
        self.reason = ""

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Lets kfp.local use `run` and `_with_executable` while the block lasts."""
        original_run = subprocess_task_handler.run_local_subprocess
        original_replace = subprocess_task_handler.replace_python_executable
        subprocess_task_handler.run_local_subprocess = self.run
        subprocess_task_handler.replace_python_executable = _with_executable
        try:
            yield
        finally:
            subprocess_task_handler.run_local_subprocess = original_run
            subprocess_task_handler.replace_python_executable = original_replace

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
            pass_fds=self._inherited_descriptors,
            preexec_fn=_die_with_parent,
        )
        with process:
            traceback = _pass_on(process.stdout or ())
            code = process.wait()
        self.seconds[name] = time.monotonic() - began
        if code:
            self.failed, self.reason = name, _reason(traceback, code)
        return code


def _with_executable(full_command: list[str], executable: str) -> list[str]:
    """Puts a Python interpreter into the step's shell script, and has it take the shell's place.

    kfp.local's own function replaces `python3` in the arguments too, and so in every path below lib/python3.11.
    """
    interpreter = f"exec {shlex.quote(executable)}"
    return [part.replace("python3", interpreter) if EXECUTOR_MODULE in part else part for part in full_command]


def _die_with_parent() -> None:
    """Has the kernel kill this process as soon as the one that started it is gone; only Linux can."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _task_name(command: list[str]) -> str:
    """The task's name, which is the folder of its executor_output.json."""
    for part in command:
        match = _OUTPUT_FILE.search(part)
        if match:
            return Path(json.loads(match[1])).parent.name
    return "step"


def _pass_on(lines: Iterable[str]) -> list[str]:
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
