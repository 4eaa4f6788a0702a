"""Hands a compiled pipeline to a KFP server as a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from detloop.cluster.arguments import parse_arguments, read_package
from detloop.cluster.connection import kept_quiet, told_plainly

VERSION_PARAMETERS = ("images_version", "config_version", "labels_version", "promoted_version")
"""Parameters that stand for what lies behind a URI, so that KFP's cache, which sees the URI alone, is not deceived."""


@dataclass(frozen=True)
class Submission:
    """A run that the server has taken.

    Attributes:
        url: its page in the UI; empty where the UI's address is not known.
    """

    run_id: str
    name: str
    experiment: str
    url: str

    def __str__(self) -> str:
        return f"submitted {self.name!r} to experiment {self.experiment!r}: {self.url or self.run_id}"


def submit_run(
    client: Any,
    package: Path,
    given: Mapping[str, str],
    *,
    experiment: str = "detloop",
    run_name: str | None = None,
    pipeline_root: str | None = None,
    service_account: str | None = None,
    cache: bool = True,
) -> Submission:
    """Starts a run of a compiled pipeline.

    Args:
        client: what `connect` gives.
        given: the pipeline's arguments as text. Those of VERSION_PARAMETERS that are not given become the time of
            submission: steps that read images or a config then run again, since what lies there may have changed.
            promoted_version does where there is a promoted location.
        run_name: None for the pipeline's name and the time.
        pipeline_root: where the run's artifacts are kept; None for the server's default.
        cache: whether steps may take an earlier run's results, as their profile says; False for none.

    Raises:
        DetloopError: an argument is wrong or missing, or the server does not take the run.
    """
    pipeline, now = read_package(package), datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    versions = {name: now for name in VERSION_PARAMETERS if name in pipeline.parameters}
    if not given.get("promoted"):
        versions.pop("promoted_version", None)
    arguments = parse_arguments(pipeline.parameters, {**versions, **given})
    name = run_name or f"{pipeline.name} {now}"
    with told_plainly(), kept_quiet():
        home = client.create_experiment(experiment)
        run = client.run_pipeline(
            home.experiment_id,
            name,
            pipeline_package_path=str(package),
            params=arguments,
            pipeline_root=pipeline_root,
            enable_caching=None if cache else False,
            service_account=service_account,
        )
    return Submission(run.run_id, name, experiment, page_of(client, "runs/details", run.run_id))


def page_of(client: Any, kind: str, identity: str) -> str:
    """A page of the UI, or nothing where only the address within the cluster is known."""
    prefix = client._get_url_prefix()
    return f"{prefix.rstrip('/')}/#/{kind}/{identity}" if prefix.startswith("http") else ""
