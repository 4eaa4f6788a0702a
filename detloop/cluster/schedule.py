"""Recurring runs on a KFP server: made, listed, paused, resumed and deleted."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detloop.cluster.arguments import parse_arguments, read_package
from detloop.cluster.checked_table import unknown
from detloop.cluster.connection import kept_quiet, told_plainly
from detloop.cluster.profile import seconds_in
from detloop.cluster.submit import page_of
from detloop.errors import DetloopError

_CRON_FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
_PAGE_SIZE = 100


@dataclass(frozen=True)
class Schedule:
    """A recurring run.

    Attributes:
        rhythm: "cron 0 30 6 * * *" in KFP's six fields, or "every 86400 s".
        state: enabled, or disabled when it is paused.
        url: its page in the UI, or empty.
    """

    identity: str
    name: str
    rhythm: str
    state: str
    url: str = ""

    def __str__(self) -> str:
        return f"{self.name}  {self.rhythm}  {self.state}  {self.identity}" + (f"  {self.url}" if self.url else "")


def six_field_cron(expression: str) -> str:
    """A cron expression as KFP has it, with the seconds first; the usual five fields get second 0.

    Source: backend/src/crd/controller/scheduledworkflow, which parses with robfig/cron; that also has @daily and such.

    Raises:
        DetloopError: it has another number of fields.
    """
    fields = expression.split()
    if len(fields) == len(_CRON_FIELDS):
        return " ".join(["0", *fields])
    if len(fields) == len(_CRON_FIELDS) + 1 or (len(fields) in (1, 2) and expression.startswith("@")):
        return " ".join(fields)
    raise DetloopError(
        f"--cron {expression!r}: give five fields ({', '.join(_CRON_FIELDS)}), or six with the second before them"
    )


def create_schedule(
    client: Any,
    package: Path,
    given: Mapping[str, str],
    *,
    name: str,
    cron: str | None = None,
    every: str | None = None,
    experiment: str = "detloop",
    pipeline_root: str | None = None,
    service_account: str | None = None,
    catch_up: bool = False,
    max_concurrency: int = 1,
) -> Schedule:
    """Has the server run a compiled pipeline again and again.

    No run takes an earlier run's results from KFP's cache: the arguments are the same each time, and what lies behind
    them is not.

    Args:
        client: what `connect` gives.
        given: the pipeline's arguments as text.
        cron: five or six fields, in UTC unless the server is told otherwise; or else
        every: a length of time, as 24h.
        catch_up: whether runs missed while the schedule was paused or the server was away are made up for.
        max_concurrency: runs of this schedule at once, 1 to 10.

    Raises:
        DetloopError: an argument is wrong or missing, or the server does not take the schedule.
    """
    if (cron is None) == (every is None):
        raise DetloopError("give either --cron or --every")
    rhythm = {"cron_expression": six_field_cron(cron)} if cron else {"interval_second": seconds_in(every or "")}
    arguments = parse_arguments(read_package(package).parameters, given)
    with told_plainly(), kept_quiet():
        home = client.create_experiment(experiment)
        made = client.create_recurring_run(
            home.experiment_id,
            name,
            pipeline_package_path=str(package),
            params=arguments,
            pipeline_root=pipeline_root,
            service_account=service_account,
            enable_caching=False,
            no_catchup=not catch_up,
            max_concurrency=max_concurrency,
            **rhythm,
        )
    return _schedule(client, made)


def list_schedules(client: Any) -> list[Schedule]:
    """All recurring runs, the newest first."""
    found: list[Any] = []
    token = ""
    with told_plainly(), kept_quiet():
        while True:
            page = client.list_recurring_runs(
                page_token=token,
                page_size=_PAGE_SIZE,
                sort_by="created_at desc",
                namespace=client.get_user_namespace() or None,
            )
            found += page.recurring_runs or []
            token = page.next_page_token or ""
            if not token:
                return [_schedule(client, one) for one in found]


def pause_schedule(client: Any, wanted: str) -> Schedule:
    """Stops a schedule, by its name or id, from starting runs; runs under way go on.

    Raises:
        DetloopError: there is none of this name or id, or more than one of this name.
    """
    return _change(client, wanted, client.disable_recurring_run)


def resume_schedule(client: Any, wanted: str) -> Schedule:
    """Lets a paused schedule start runs again; raises where `pause_schedule` does."""
    return _change(client, wanted, client.enable_recurring_run)


def delete_schedule(client: Any, wanted: str) -> Schedule:
    """Removes a schedule, and returns what it was; its runs stay. Raises where `pause_schedule` does."""
    schedule = _find(client, wanted)
    with told_plainly(), kept_quiet():
        client.delete_recurring_run(schedule.identity)
    return schedule


def _change(client: Any, wanted: str, change: Any) -> Schedule:
    schedule = _find(client, wanted)
    with told_plainly(), kept_quiet():
        change(schedule.identity)
        return _schedule(client, client.get_recurring_run(schedule.identity))


def _find(client: Any, wanted: str) -> Schedule:
    schedules = list_schedules(client)
    found = [one for one in schedules if wanted in (one.identity, one.name)]
    if len(found) > 1:
        ids = ", ".join(one.identity for one in found)
        raise DetloopError(f"{wanted}: is the name of {len(found)} schedules; give the id of one: {ids}")
    if not found:
        raise unknown(f"schedule {wanted}", wanted, [one.name for one in schedules])
    return found[0]


def _schedule(client: Any, run: Any) -> Schedule:
    trigger = run.trigger
    rhythm = f"cron {trigger.cron_schedule.cron}" if trigger.cron_schedule else ""
    if trigger.periodic_schedule:
        rhythm = f"every {int(trigger.periodic_schedule.interval_second)} s"
    state = str(run.status or "").lower() or ("enabled" if run.mode == "ENABLE" else "disabled")
    page = page_of(client, "recurringrun/details", run.recurring_run_id)
    return Schedule(run.recurring_run_id, run.display_name, rhythm, state, page)
