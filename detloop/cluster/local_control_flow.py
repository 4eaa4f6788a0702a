"""What kfp.local 2.17 lacks of a pipeline's control flow, and the results of steps, which it keeps to itself."""

import builtins
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from detloop.cluster.replaced import replaced

_CHANNEL = "pipelinechannel--"

Results = dict[str, dict[str, Any]]
"""What each step that has run made, by the names of its task and its outputs."""


@contextmanager
def control_flow_in_place() -> Iterator[Results]:
    """Lets kfp.local run conditions and alternatives as a cluster does; yields the results of steps, as they come.

    Of its own it knows a condition on a step's output only where that is named Output, takes a text with an apostrophe
    for no text, and knows dsl.OneOf of parameters alone. Behind a parallel loop it leaves its print in Python's place.
    """
    from kfp.local import status
    from kfp.local.orchestrator import task_executor
    from kfp.local.orchestrator.enhanced_dag_orchestrator import ConditionEvaluator
    from kfp.local.orchestrator.orchestrator_utils import OrchestratorUtils

    results: Results = {}
    execute = task_executor.execute_single_task

    def execute_and_note(**task: Any) -> Any:
        outputs, ending = execute(**task)
        if ending == status.Status.SUCCESS:
            results[task["task_name"]] = outputs
        return outputs, ending

    with ExitStack() as stack:
        for owner, name, new in (
            (ConditionEvaluator, "_resolve_pipeline_channel", staticmethod(_value_in_condition)),
            (OrchestratorUtils, "get_dag_output_artifacts", staticmethod(_output_artifacts)),
            (task_executor, "execute_single_task", execute_and_note),
            (builtins, "print", builtins.print),
        ):
            stack.enter_context(replaced(owner, name, new))
        yield results


def _value_in_condition(channel_ref: str, io_store: Any) -> Any:
    """What a condition speaks of: an output of a step beside it, or an input of the pipeline or group that it is in."""
    name = channel_ref.removeprefix(_CHANNEL)
    for task, outputs in io_store._task_output_data.items():
        for output, value in outputs.items():
            if name == f"{task}-{output}":
                return _quotable(value)
    for key in (f"{_CHANNEL}{name}", name):
        try:
            return _quotable(io_store.get_parent_input(key))
        except ValueError:
            continue
    return None


def _quotable(value: Any) -> Any:
    """A text such that it stays what it is when kfp.local puts apostrophes around it and has Python read that."""
    return value.encode("unicode_escape").decode().replace("'", "\\'") if isinstance(value, str) else value


def _output_artifacts(dag_outputs_spec: Any, io_store: Any) -> dict[str, Any]:
    """The artifacts of a group of steps: of alternatives the one that has been made."""
    outputs = {}
    for key, selectors in dag_outputs_spec.artifacts.items():
        for selector in selectors.artifact_selectors:
            try:
                outputs[key] = io_store.get_task_output(selector.producer_subtask, selector.output_artifact_key)
            except ValueError:
                continue
    return outputs
