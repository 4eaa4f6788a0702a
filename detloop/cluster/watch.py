"""Follows a run on a KFP server to its end."""

import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kfp_server_api import ApiException
from urllib3.exceptions import HTTPError

from detloop.cluster.connection import kept_quiet, told_plainly
from detloop.cluster.live_steps import LiveSteps, duration
from detloop.errors import DetloopError
from detloop.summary import ENDED, Step, error_of, failed_step, last_log_lines, reason_in, state_of, steps_of

POLL_EVERY_SECONDS = 5.0
PATIENCE_SECONDS = 300.0
"""How long a server that does not answer is asked again, before the watch is given up."""


@dataclass(frozen=True)
class RunEnd:
    """How a run ended.

    Attributes:
        state: of the run, one of ENDED.
        seconds: from its creation to its end.
    """

    run_id: str
    state: str
    seconds: float
    steps: list[Step]

    def __str__(self) -> str:
        width = max([len(step.title) for step in self.steps], default=4)
        rows = [f"{step.title:<{width}}  {duration(step.seconds()):>8}  {step.state}" for step in self.steps]
        return "\n".join([*rows, f"run {self.run_id} {self.state} after {duration(self.seconds)}"])


def watch_run(client: Any, run_id: str, namespace: str = "", poll_every_seconds: float = POLL_EVERY_SECONDS) -> RunEnd:
    """Shows a run's steps until it has ended, on standard error: live on a terminal, a line a change elsewhere.

    Args:
        client: what `connect` gives.
        namespace: of the run's pods, to find their logs; empty for the client's own.

    Raises:
        DetloopError: the run failed or was stopped, and the message names the step and what is known of the reason;
            the step's last lines are on standard error by then. Or the server stopped answering: the run goes on.
    """
    with LiveSteps() as shown:
        run = _get(client, run_id)
        while state_of(run) not in ENDED:
            shown.show(steps_of(run))
            time.sleep(poll_every_seconds)
            run = _get(client, run_id)
        steps = steps_of(run)
        shown.show(steps)
    end = RunEnd(run_id, state_of(run), _seconds(run), steps)
    if end.state != "succeeded":
        raise DetloopError(_failure(client, run, end, namespace))
    return end


def _get(client: Any, run_id: str) -> Any:
    """The run; a server or network that is away for a while is waited for."""
    deadline, wait = time.monotonic() + PATIENCE_SECONDS, 1.0
    while True:
        try:
            with kept_quiet():
                return client.get_run(run_id)
        except (ApiException, HTTPError) as error:
            passing = not isinstance(error, ApiException) or error.status >= 500 or error.status == 429
            if not passing or time.monotonic() + wait > deadline:
                with told_plainly():
                    raise
        time.sleep(wait)
        wait = min(2 * wait, 30.0)


def _failure(client: Any, run: Any, end: RunEnd, namespace: str) -> str:
    """The error's line; before it, the last lines of the step that failed are printed."""
    step = failed_step(end.steps)
    if end.state != "failed" or step is None:
        reason = error_of(run)
        return f"run {end.run_id} {end.state}" + (f": {reason}" if reason else "")
    where = namespace or client.get_user_namespace() or "kubeflow"
    lines = last_log_lines(client.runs.api_client, end.run_id, step, where)
    if lines:
        print("\n".join([f"the last lines of {step.title}:", *(f"  {line}" for line in lines)]), file=sys.stderr)
    reason = step.error or error_of(run) or reason_in(lines) or "the server keeps neither reason nor log"
    return f"step {step.name} failed after {duration(step.seconds())}: {reason}"


def _seconds(run: Any) -> float:
    end = run.finished_at or datetime.now(UTC)
    return float((end - run.created_at).total_seconds())
