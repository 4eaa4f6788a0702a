"""What the last step of a run does, whether the others have succeeded or not: a page, and a word to a webhook."""

import os
import time
from pathlib import Path
from typing import Any

from kfp_server_api import ApiException
from urllib3.exceptions import HTTPError

from detloop.errors import one_line
from detloop.store import write_file_whole
from detloop.summary.in_cluster import api_client, get_run, own_namespace
from detloop.summary.logs import last_log_lines, reason_in
from detloop.summary.page import RunSummary, markdown
from detloop.summary.steps import ENDED, Step, error_of, failed_step, steps_of, with_skipped
from detloop.summary.webhook import URL_VARIABLE, post

OWN_STEP = "summary"
SETTLING_SECONDS = 20.0
"""How long the server, which hears of steps late, is asked again for the end of steps that must have ended."""

_POLL_EVERY_SECONDS = 2.0
_STATES = {"complete": "succeeded", "cancelled": "canceled"}
"""What KFP's server calls a state in one place, by what it calls it in all others."""


def write_summary(run_id: str, state: str, message: str, output: Path) -> RunSummary:
    """Writes a page about a run to `output` and posts its headline to the webhook of DETLOOP_WEBHOOK_URL, if any.

    Neither a server that cannot be asked nor a webhook that does not listen is an error: the run is judged by its
    other steps.

    Args:
        run_id: KFP's id of the run.
        state: of all steps together, as KFP hands it to an exit handler.
        message: what KFP says about a failure; may be empty.
        output: a Markdown file.
    """
    ended = state.lower()
    summary = _ask(run_id, _STATES.get(ended, ended), " ".join(message.split()))
    with write_file_whole(output) as partial:
        partial.write_text(markdown(summary), encoding="utf-8")
    url = os.environ.get(URL_VARIABLE)
    if url:
        post(url.strip(), summary.headline, {"run_id": run_id, **summary.metadata()})
    return summary


def _ask(run_id: str, state: str, message: str) -> RunSummary:
    client = api_client()
    try:
        run, steps = _settled(client, run_id, state)
    except (ApiException, HTTPError) as error:
        trouble = f"KFP's API at {client.configuration.host} says {one_line(error)[:300]}"
        return RunSummary("run", run_id, state if state in ENDED else "ended", None, [], message, trouble=trouble)
    failed = failed_step(steps)
    state = _judged(state, steps)
    if state == "succeeded":
        steps = with_skipped(steps)
    log = last_log_lines(client, run_id, failed, own_namespace()) if failed else []
    reason = (failed.error if failed else "") or message or (error_of(run) if state != "succeeded" else "")
    reason = reason or reason_in(log)
    return RunSummary(run.display_name or run_id, run_id, state, run.created_at, steps, reason, tuple(log))


def _judged(state: str, steps: list[Step]) -> str:
    """How the run ended; of a step that was killed KFP can say that it is still running."""
    if failed_step(steps):
        return "failed"
    if state in ENDED:
        return state
    return "succeeded" if all(step.state in ("succeeded", "skipped") for step in steps) else "ended"


def _settled(client: Any, run_id: str, state: str) -> tuple[Any, list[Step]]:
    """The run and its steps, as soon as they agree with how it ended, or after SETTLING_SECONDS."""
    deadline = time.monotonic() + SETTLING_SECONDS
    while True:
        run = get_run(client, run_id)
        steps = [step for step in steps_of(run) if step.name != OWN_STEP]
        agreed = not any(step.state in ("pending", "running") for step in steps)
        agreed = agreed and (state != "failed" or failed_step(steps) is not None)
        if agreed or time.monotonic() + _POLL_EVERY_SECONDS > deadline:
            return run, steps
        time.sleep(_POLL_EVERY_SECONDS)
