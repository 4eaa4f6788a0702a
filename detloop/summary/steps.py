"""A run as KFP's API tells it, brought down to the pipeline's steps: what each is doing, since when, and why not."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from typing import Any

WAITING = "waiting"
ENDED = ("succeeded", "failed", "canceled", "skipped")
"""States that a step or run does not leave."""

_NO_TIME = datetime(1971, 1, 1, tzinfo=UTC)
"""What has not happened yet has a time before this: KFP's server counts it as second 0, or as year 1."""


@dataclass(frozen=True)
class Step:
    """One step of a run.

    Attributes:
        name: the task's name in the pipeline, as detect-2.
        title: what the UI shows, as detect with the student.
        state: a RuntimeState of KFP in small letters, or WAITING.
        started, ended: None where it has not.
        error: what the server says about a failure; KFP mostly leaves it to the log.
        pods: names of the pods that did it, where the server tells them.
    """

    name: str
    title: str
    state: str = WAITING
    started: datetime | None = None
    ended: datetime | None = None
    error: str = ""
    pods: tuple[str, ...] = ()

    def seconds(self, now: datetime | None = None) -> float | None:
        """How long it took, or has been at it until `now`; None before it began."""
        end = self.ended or now
        return (end - self.started).total_seconds() if self.started and end else None


def steps_of(run: Any) -> list[Step]:
    """The steps of a kfp_server_api.V2beta1Run, in the order that the pipeline has them.

    The server lists Argo's nodes: for each step one with the task's name, and beside them drivers, groups and tries.
    The run's pipeline says which names are steps; steps that have no node yet are WAITING, and once the run has
    succeeded skipped. A step within a loop has a node an iteration, each a Step of its own.
    """
    details = list(getattr(run.run_details, "task_details", None) or [])
    titles = dict(_titles(_pipeline_spec(run)))
    if not titles:
        titles = {name: name for name in sorted({each.display_name or "" for each in details}) if _is_step(name, run)}
    steps = []
    for name, title in titles.items():
        nodes = sorted((each for each in details if each.display_name == name), key=_began)
        steps += [_step(name, title, node, details) for node in nodes] or [Step(name, title)]
    return with_skipped(steps) if state_of(run) == "succeeded" else steps


def with_skipped(steps: list[Step]) -> list[Step]:
    """The steps after a success: those still waiting are on a way that was not gone, as of a condition."""
    return [replace(step, state="skipped") if step.state == WAITING else step for step in steps]


def failed_step(steps: list[Step]) -> Step | None:
    """The step that failed first."""
    failed = [step for step in steps if step.state == "failed"]
    return min(failed, key=lambda step: step.ended or datetime.max.replace(tzinfo=UTC), default=None)


def state_of(node: Any) -> str:
    """The state of a run or task of the API."""
    return str(node.state or "pending").lower().removeprefix("runtime_state_")


def error_of(node: Any) -> str:
    """What the API says about why a run or task failed, on one line."""
    errors = [node.error, *(status.error for status in reversed(node.state_history or []))]
    return next((" ".join(error.message.split()) for error in errors if error and error.message), "")


def _pipeline_spec(run: Any) -> Mapping[str, Any]:
    """Bare, or beside the platform's document; empty for runs of a pipeline that the server keeps."""
    spec = run.pipeline_spec or {}
    return dict(spec.get("pipeline_spec", spec))


def _titles(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and title of every task that runs in a container, dependencies first, whatever the order of the keys."""
    executors, components = spec.get("deploymentSpec", {}).get("executors", {}), spec.get("components", {})

    def walk(tasks: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        names = sorted(tasks, key=_with_numbers)
        order = TopologicalSorter({name: sorted(tasks[name].get("dependentTasks", [])) for name in names})
        for name in order.static_order():
            component = components.get(tasks[name]["componentRef"]["name"], {})
            if "dag" in component:
                yield from walk(component["dag"]["tasks"])
            elif "container" in executors.get(component.get("executorLabel"), {}):
                yield name, tasks[name].get("taskInfo", {}).get("name", name)

    yield from walk(spec.get("root", {}).get("dag", {}).get("tasks", {}))


def _with_numbers(name: str) -> list[str | int]:
    """What sorts condition-9 before condition-10."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def _is_step(name: str, run: Any) -> bool:
    """Whether a node's name looks like a step's; for runs that come without their pipeline."""
    own = ("", "root", "executor", run.display_name)
    return name not in own and not name.startswith(("executor(", "exit-handler-")) and not name.endswith("-driver")


def _step(name: str, title: str, node: Any, details: list[Any]) -> Step:
    children = [child.pod_name for child in node.child_tasks or [] if child.pod_name]
    tries = [child.pod_name for each in details if _is_try_of(each, node) for child in each.child_tasks or []]
    return Step(
        name,
        title,
        state_of(node),
        _time(node.start_time),
        _time(node.end_time),
        error_of(node),
        tuple(dict.fromkeys(pod for pod in [*reversed(tries), *children] if pod)),
    )


def _is_try_of(node: Any, step: Any) -> bool:
    """Whether a node holds the tries of a step: it is called executor, and lies within the step's time."""
    if not (node.display_name or "").startswith("executor"):
        return False
    end = _time(step.end_time) or datetime.max.replace(tzinfo=UTC)
    return _began(step) <= _began(node) <= end


def _began(node: Any) -> datetime:
    return _time(node.start_time) or datetime.max.replace(tzinfo=UTC)


def _time(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware if aware > _NO_TIME else None
