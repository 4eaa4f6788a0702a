"""The commands that put the pipeline on a cluster: compile, submit, watch and schedule."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from detloop.cli_options import FILE

PROFILE_OPTIONS = (
    click.option("--profile", default="cpu", show_default=True, type=click.Choice(["cpu", "gpu"])),
    click.option("--settings", type=FILE, help="TOML file with a site's own values, laid over the profile's."),
    click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Set one key of the profile."),
)
SERVER_OPTIONS = (
    click.option("--endpoint", metavar="URL", help="The KFP server. Default: KF_PIPELINES_ENDPOINT, else the cluster."),
    click.option(
        "--namespace", envvar="KFP_NAMESPACE", help="Default: KFP_NAMESPACE, else what KFP's own config says."
    ),
    click.option("--token-file", type=FILE, help="File with a bearer token. Default: KFP_EXISTING_TOKEN, else none."),
    click.option("--ca-certificate", type=FILE, help="PEM file of the authority that signed the server's certificate."),
)
RUN_OPTIONS = (
    click.option("--package", type=FILE, help="A compiled pipeline. Default: compiled with the profile's options."),
    click.option("--argument", "-a", "given", multiple=True, metavar="NAME=VALUE", help="A pipeline argument."),
    click.option("--experiment", default="detloop", show_default=True, help="Made where there is none of this name."),
    click.option("--pipeline-root", metavar="URI", help="Where artifacts are kept. Default: the server's own choice."),
    click.option(
        "--service-account", help="Kubernetes service account of the steps. Default: the server's own choice."
    ),
)


def _options(*options: Callable[..., Any]) -> Callable[..., Any]:
    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


class _PipelineCommand(click.Command):
    """A command that also takes every argument of the pipeline as an option, and lists them in its help."""

    ignore_unknown_options = True
    allow_extra_args = True

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from pipeline import detection_loop

        super().format_options(ctx, formatter)
        with formatter.section("Arguments of the pipeline"):
            formatter.write_dl(
                [
                    (f"--{name.replace('_', '-')} VALUE", f"{one.description}{'' if one.optional else '  [required]'}")
                    for name, one in detection_loop.component_spec.inputs.items()
                ]
            )


def _arguments(ctx: click.Context, given: tuple[str, ...]) -> dict[str, str]:
    """The pipeline's arguments: each --argument NAME=VALUE, --name VALUE or --name=VALUE."""
    arguments = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"--argument {text}: write NAME=VALUE")
        arguments[name] = value
    rest = list(ctx.args)
    while rest:
        option, equals, value = rest.pop(0).partition("=")
        if not option.startswith("--") or (not equals and not rest):
            raise click.UsageError(f"{option}: an argument of the pipeline is written --name VALUE")
        arguments[option[2:].replace("-", "_")] = value if equals else rest.pop(0)
    return arguments


def _built_pipeline(profile: str, settings: Path | None, overrides: tuple[str, ...]) -> Any:
    from detloop.cluster import build, load_profile
    from pipeline import detection_loop, summary

    return build(detection_loop, load_profile(profile, settings, overrides), summary)


@contextmanager
def _package(given: Path | None, profile: dict[str, Any]) -> Iterator[Path]:
    """The package that was given, or one compiled for the moment."""
    from detloop.cluster import compile_pipeline

    if given:
        yield given
        return
    with tempfile.TemporaryDirectory() as folder:
        yield compile_pipeline(_built_pipeline(**profile), Path(folder) / "pipeline.yaml")


def _apart(options: dict[str, Any], *names: str) -> dict[str, Any]:
    """Takes the options of these names out of the others."""
    return {name: options.pop(name) for name in names}


_PROFILE_NAMES = ("profile", "settings", "overrides")
_SERVER_NAMES = ("endpoint", "namespace", "token_file", "ca_certificate")


@click.command("compile")
@_options(*PROFILE_OPTIONS)
@click.option("--output", default="pipeline.yaml", show_default=True, type=FILE, help="The YAML file to write.")
def compile_command(output: Path, **profile: Any) -> None:
    """Compile the pipeline to the YAML that a KFP server takes.

    A profile says where each step runs and with what: image, CPU and memory, GPU, nodes, scratch space, secrets by
    reference, retries, timeouts, caching. The profiles' own keys are in detloop/cluster/profiles/*.toml.
    """
    from detloop.cluster import compile_pipeline

    click.echo(f"wrote {compile_pipeline(_built_pipeline(**profile), output)}")


@click.command(cls=_PipelineCommand)
@_options(*RUN_OPTIONS)
@click.option("--run-name", help="Default: the pipeline's name and the time.")
@click.option("--cache/--no-cache", default=True, show_default=True, help="Whether steps may take earlier results.")
@click.option("--wait", is_flag=True, help="Show the steps until the run has ended; a failed run is exit code 1.")
@_options(*SERVER_OPTIONS, *PROFILE_OPTIONS)
@click.pass_context
def submit(ctx: click.Context, /, package: Path | None, given: tuple[str, ...], wait: bool, **options: Any) -> None:
    """Run the pipeline on a KFP server.

    Arguments of the pipeline are options too: --images s3://bucket/prefix is --argument images=s3://bucket/prefix.
    images_version, config_version and labels_version are the time of submission where they are not given, so that
    cached results are not taken for images, a config or labels that may have changed.
    """
    from detloop.cluster import connect, submit_run, watch_run

    profile, server = _apart(options, *_PROFILE_NAMES), _apart(options, *_SERVER_NAMES)
    arguments = _arguments(ctx, given)
    client = connect(**server)
    with _package(package, profile) as compiled:
        submission = submit_run(client, compiled, arguments, **options)
    click.echo(submission, err=wait)
    if wait:
        click.echo(watch_run(client, submission.run_id, server["namespace"] or ""))


@click.command()
@click.argument("run_id")
@_options(*SERVER_OPTIONS)
def watch(run_id: str, **server: Any) -> None:
    """Show a run's steps until it has ended; a failed run is exit code 1. Ctrl-C ends the watch, not the run."""
    from detloop.cluster import connect, watch_run

    click.echo(watch_run(connect(**server), run_id, server["namespace"] or ""))


class _ScheduleGroup(click.Group):
    """`detloop schedule --cron ...` is `detloop schedule create --cron ...`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0].startswith("-") and args[0] not in ctx.help_option_names:
            args = ["create", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_ScheduleGroup)
def schedule() -> None:
    """Run the pipeline on a KFP server again and again.

    `detloop schedule --cron ...` and `detloop schedule --every ...` make a schedule, as `schedule create` does.
    """


@schedule.command("create", cls=_PipelineCommand)
@click.option(
    "--cron",
    metavar="FIELDS",
    help="When, as '30 6 * * MON-FRI': minute, hour, day, month, weekday; or KFP's six fields, with seconds first.",
)
@click.option("--every", metavar="DURATION", help="How often, as 24h.")
@click.option("--name", default="detection-loop", show_default=True, help="The schedule's name.")
@_options(*RUN_OPTIONS)
@click.option("--max-concurrency", default=1, show_default=True, type=click.IntRange(1, 10), help="Runs at once.")
@click.option("--catch-up", is_flag=True, help="Make up for runs that were missed while the server was away.")
@_options(*SERVER_OPTIONS, *PROFILE_OPTIONS)
@click.pass_context
def schedule_create(ctx: click.Context, /, package: Path | None, given: tuple[str, ...], **options: Any) -> None:
    """Make a schedule. Arguments of the pipeline are options too; no run takes results of an earlier one."""
    from detloop.cluster import connect, create_schedule

    if (options["cron"] is None) == (options["every"] is None):
        raise click.UsageError("give either --cron or --every")
    profile, server = _apart(options, *_PROFILE_NAMES), _apart(options, *_SERVER_NAMES)
    arguments = _arguments(ctx, given)
    client = connect(**server)
    with _package(package, profile) as compiled:
        click.echo(create_schedule(client, compiled, arguments, **options))


@schedule.command("list")
@_options(*SERVER_OPTIONS)
def schedule_list(**server: Any) -> None:
    """List the schedules: name, rhythm, state, id."""
    from detloop.cluster import connect, list_schedules

    for one in list_schedules(connect(**server)):
        click.echo(one)


def _schedule_change(name: str, text: str) -> None:
    @schedule.command(name, help=text)
    @click.argument("wanted", metavar="NAME_OR_ID")
    @_options(*SERVER_OPTIONS)
    def change(wanted: str, **server: Any) -> None:
        from detloop import cluster

        changes = {
            "pause": cluster.pause_schedule,
            "resume": cluster.resume_schedule,
            "delete": cluster.delete_schedule,
        }
        done = changes[name](cluster.connect(**server), wanted)
        click.echo(f"deleted {done}" if name == "delete" else done)


_schedule_change("pause", "Keep a schedule from starting runs, until it is resumed.")
_schedule_change("resume", "Let a paused schedule start runs again.")
_schedule_change("delete", "Delete a schedule; its runs stay.")

COMMANDS = (compile_command, submit, watch, schedule)
