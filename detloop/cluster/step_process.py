"""A step's process as kfp.local starts it: what it says goes on to the terminal, why it failed is kept."""

import ctypes
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from kfp import local
from kfp.dsl.component_factory import EXECUTOR_MODULE
from kfp.local import subprocess_task_handler

from detloop.cluster.replaced import replaced
from detloop.cluster.step_output import StepOutcomes, pass_on

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
"""Source: linux/prctl.h."""


class StepProcesses(StepOutcomes):
    """Runs the steps' processes in the place of kfp.local's own function, which indents and buffers what they say.

    Args:
        inherited_descriptors: open files that every step holds until it ends.
    """

    def __init__(self, inherited_descriptors: tuple[int, ...] = ()) -> None:
        super().__init__()
        self._inherited_descriptors = inherited_descriptors

    def runner(self) -> local.SubprocessRunner:
        """What kfp.local is to run steps by."""
        return local.SubprocessRunner(use_venv=False)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Lets kfp.local use `run` and `_with_executable` while the block lasts."""
        with (
            replaced(subprocess_task_handler, "run_local_subprocess", self.run),
            replaced(subprocess_task_handler, "replace_python_executable", _with_executable),
        ):
            yield

    def run(self, full_command: list[str], env_vars: dict[str, str] | None = None) -> int:
        """Runs one step; its exit code. The signature is that of kfp.local's run_local_subprocess."""
        return self.follow(full_command, lambda: self._run(full_command, env_vars or {}))

    def _run(self, command: list[str], environment: dict[str, str]) -> tuple[list[str], int]:
        process = subprocess.Popen(  # noqa: S603
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, **environment},
            pass_fds=self._inherited_descriptors,
            preexec_fn=_die_with_parent,
        )
        with process:
            traceback = pass_on(process.stdout or ())
            return traceback, process.wait()


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
