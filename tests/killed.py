"""Commands killed in the middle, as a lost machine kills them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

DETLOOP = [sys.executable, "-m", "detloop.cli"]
PATIENCE_SECONDS = 240


def kill_once(begun: Callable[[], bool], *arguments: object) -> None:
    """Starts a detloop command and kills it as soon as its work has begun."""
    command = [*DETLOOP, *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < deadline and not begun():
        time.sleep(0.005)
    assert process.poll() is None, "the command ended before it could be killed"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
