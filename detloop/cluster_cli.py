"""The commands that put the pipeline on a cluster: compile, submit, watch and schedule."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

FILE = click.Path(path_type=Path)


def profile_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which profile the pipeline is compiled with."""
    for option in (
        click.option(
            "--set",
            "overrides",
            multiple=True,
            metavar="KEY=VALUE",
            help="Set one key of the profile.",
        ),
        click.option("--settings", type=FILE, help="TOML file with a site's own values, laid over the profile's."),
        click.option("--profile", default="cpu", show_default=True, type=click.Choice(["cpu", "gpu"])),
    ):
        command = option(command)
    return command


def _built_pipeline(profile: str, settings: Path | None, overrides: tuple[str, ...]) -> Any:
    from detloop.cluster import build, load_profile
    from pipeline import detection_loop

    return build(detection_loop, load_profile(profile, settings, overrides))


@click.command("compile")
@profile_options
@click.option("--output", default="pipeline.yaml", show_default=True, type=FILE, help="The YAML file to write.")
def compile_command(output: Path, **profile: Any) -> None:
    """Compile the pipeline to the YAML that a KFP server takes.

    A profile says where each step runs and with what: image, CPU and memory, GPU, nodes, scratch space, secrets by
    reference, retries, timeouts, caching. The profiles' own keys are in detloop/cluster/profiles/*.toml.
    """
    from detloop.cluster import compile_pipeline

    click.echo(f"wrote {compile_pipeline(_built_pipeline(**profile), output)}")


COMMANDS = (compile_command,)
