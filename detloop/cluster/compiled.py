"""The pipeline as the YAML that a KFP server takes: the same graph as the local run's, placed by a profile."""

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from kfp import compiler, dsl
from kfp.dsl import pipeline_context

from detloop.cluster.checked_table import unknown
from detloop.cluster.placement import place
from detloop.cluster.profile import Profile
from detloop.errors import DetloopError
from detloop.store import write_file_whole


def build(pipeline: Any, profile: Profile, exit_step: Any = None) -> Any:
    """The pipeline with every container placed by the profile.

    Args:
        pipeline: a function decorated with dsl.pipeline.
        profile: its steps and secrets name components of the pipeline.
        exit_step: a component with a parameter run_id that runs last, also when a step has failed. KFP lets no output
            leave what such a step watches over, so that the result has none.

    Returns:
        A pipeline function of the same name and parameters.

    Raises:
        DetloopError: the profile names a component that the pipeline lacks.
    """
    story = pipeline.pipeline_func

    def placed(*arguments: Any) -> None:
        watching = dsl.ExitHandler(exit_step(run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER), "loop") if exit_step else None
        with watching or contextlib.nullcontext():
            story(*arguments)
        tasks = pipeline_context.Pipeline.get_default_pipeline().tasks.values()
        _place_all([task for task in tasks if task.container_spec is not None], profile)

    return dsl.pipeline(name=pipeline.name, description=pipeline.description)(_with_face_of(story, placed))


def compile_pipeline(pipeline: Any, output: Path) -> Path:
    """Writes a pipeline function's definition to `output`.

    Raises:
        DetloopError: the name does not end in .yaml, which KFP goes by.
    """
    if output.suffix not in (".yaml", ".yml"):
        raise DetloopError(f"{output}: name the file pipeline.yaml, or anything else that ends in .yaml")
    with write_file_whole(output) as partial:
        named_yaml = partial.with_name(partial.name + output.suffix)
        compiler.Compiler().compile(pipeline, str(named_yaml))
        named_yaml.rename(partial)
    return output


def _place_all(tasks: list[Any], profile: Profile) -> None:
    components = {task.component_spec.name for task in tasks}
    _check_names("steps", profile.steps, components)
    for secret in profile.secrets:
        _check_names(f"secrets: {secret.name}: steps", secret.steps, components)
    for task in tasks:
        place(task, task.component_spec.name, profile)


def _check_names(where: str, names: Iterable[str], components: set[str]) -> None:
    for name in names:
        if name not in components:
            raise unknown(f"{where}: {name}", name, sorted(components))


def _with_face_of(story: Callable[..., Any], placed: Callable[..., None]) -> Callable[..., None]:
    """`placed` with the name, docstring and parameters of `story`, which KFP reads, but without its outputs."""
    functools.update_wrapper(placed, story)
    placed.__signature__ = inspect.signature(story).replace(return_annotation=None)  # type: ignore[attr-defined]
    placed.__annotations__ = {name: kind for name, kind in story.__annotations__.items() if name != "return"}
    return placed
