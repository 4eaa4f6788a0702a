"""States of a run as KFP's server tells them: Argo's nodes, with the drivers, groups and tries beside the steps."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import kfp_server_api as api

BEGAN = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)

Nodes = list[Any]


def node(name: str, state: str, start: float, end: float | None = None, pods: tuple[str, ...] = ()) -> Any:
    """One node; times in seconds after the run's beginning."""
    return api.V2beta1PipelineTaskDetail(
        display_name=name,
        state=state,
        start_time=BEGAN + timedelta(seconds=start),
        end_time=NEVER if end is None else BEGAN + timedelta(seconds=end),
        child_tasks=[api.PipelineTaskDetailChildTask(pod_name=pod) for pod in pods],
    )


def step(name: str, state: str, start: float, end: float | None = None) -> Nodes:
    """The nodes of one step: its driver, the step itself, and its one try."""
    pod = f"run-{name}-impl-1"
    return [
        node(f"{name}-driver", "SUCCEEDED", start - 1, start, (f"run-{name}-node",)),
        node(name, state, start, end, (pod,)),
        node("executor", state, start + 0.5, end),
    ]


def at(state: str, nodes: Nodes, ended_after: float | None = None) -> Callable[[Any], None]:
    """Brings a run to a state: `root` and its driver are there as soon as any node is."""

    def change(run: Any) -> None:
        run.state, run.created_at = state, BEGAN
        root = [node("root-driver", "SUCCEEDED", 0, 1), node("root", "RUNNING", 1)] if nodes else []
        run.run_details = api.V2beta1RunDetails(task_details=[*root, *nodes])
        run.finished_at = None if ended_after is None else BEGAN + timedelta(seconds=ended_after)

    return change
