"""The folder that a run's steps write to: the same for the same inputs, and worked in by one run at a time."""

import fcntl
import hashlib
import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kfp.local import executor_input_utils

from detloop.errors import DetloopError

LOCK_NAME = ".lock"
LOCK_PATIENCE_SECONDS = 60.0
LOCK_RETRY_SECONDS = 0.2


@contextmanager
def named_by_inputs(arguments: Mapping[str, Any]) -> Iterator[None]:
    """Lets kfp.local name a run's folder after the run's arguments, in the place of the time of day.

    A run that was killed finds the unfinished step's files again, so that detection and training go on where they
    stopped; other arguments never meet them.
    """
    digest = hashlib.sha256(json.dumps(arguments, sort_keys=True, default=str).encode()).hexdigest()[:12]
    original = executor_input_utils.get_local_pipeline_resource_name
    executor_input_utils.get_local_pipeline_resource_name = lambda pipeline_name: f"{pipeline_name}-{digest}"
    try:
        yield
    finally:
        executor_input_utils.get_local_pipeline_resource_name = original


@contextmanager
def locked(root: Path) -> Iterator[int]:
    """Holds the lock of `root`, waiting a while for it; yields its file descriptor.

    Steps inherit the descriptor and the lock with it: where a step outlives its killed run, the next run waits until
    it has ended.

    Raises:
        DetloopError: another run still holds the lock after a minute.
    """
    with open(root / LOCK_NAME, "w", encoding="utf-8") as file:
        deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
        waiting = False
        while not _try_lock(file.fileno()):
            if time.monotonic() > deadline:
                raise DetloopError(f"{root}: another run is at work there; wait for it, or give another --output")
            if not waiting:
                print(f"waiting for another run at work in {root}", file=sys.stderr, flush=True)
                waiting = True
            time.sleep(LOCK_RETRY_SECONDS)
        yield file.fileno()


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
