"""The job that puts the schedule of schedule.toml on a KFP server, run as the pod runs it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.kfp_server import KfpServer, serving
from tests.manifests.rendering import MANIFESTS

FOLDER = MANIFESTS / "schedule"
SETTINGS = MANIFESTS / "site" / "settings.toml"


class Put:
    """Runs the job's script with a server of the test's own."""

    def __init__(self, server: KfpServer, url: str, folder: Path) -> None:
        self.server, self._url = server, url
        self.schedule = folder / "schedule.toml"
        self.schedule.write_text((FOLDER / "schedule.toml").read_text())

    def __call__(self) -> subprocess.CompletedProcess[str]:
        variables = {"KF_PIPELINES_ENDPOINT": self._url, "HOME": str(self.schedule.parent)}
        command = [sys.executable, str(FOLDER / "put.py"), str(self.schedule), str(SETTINGS)]
        return subprocess.run(command, env=os.environ | variables, capture_output=True, text=True)

    def replace(self, old: str, new: str) -> None:
        text = self.schedule.read_text()
        assert old in text
        self.schedule.write_text(text.replace(old, new))


@pytest.fixture
def put(tmp_path: Path) -> Iterator[Put]:
    with serving() as (server, url):
        yield Put(server, url, tmp_path)


def test_the_schedule_is_made_outlives_a_mistake_and_is_made_anew(put: Put) -> None:
    first = put()
    assert first.returncode == 0, first.stderr
    (made,) = put.server.recurring_runs.values()
    assert (made.display_name, made.trigger.cron_schedule.cron) == ("nightly", "0 30 6 * * *")
    assert made.runtime_config.parameters["images"] == "minio://detloop/images"
    executors = made.pipeline_spec["platform_spec"]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert executors["exec-detect"]["secretAsEnv"][0]["secretName"] == "detloop-images"

    put.replace("classes", "clases")
    failed = put()
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1] == "detloop: error: argument clases is unknown; the nearest is classes"
    assert set(put.server.recurring_runs) == {made.recurring_run_id}

    put.replace("clases", "classes")
    put.replace('cron = "30 6 * * *"', 'every = "12h"')
    put.replace('classes = "person"', 'classes = "person"\nkeep_negatives = true\nsteps = 300')
    second = put()
    assert second.returncode == 0, second.stderr
    assert f"deleted nightly  cron 0 30 6 * * *  enabled  {made.recurring_run_id}" in second.stdout
    (made,) = put.server.recurring_runs.values()
    assert str(made.trigger.periodic_schedule.interval_second) == "43200"
    assert made.runtime_config.parameters["keep_negatives"] is True
    assert made.runtime_config.parameters["steps"] == 300


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("profile", "profil", "key profil is unknown; there are arguments, cron, every, name, profile"),
        ("name = ", "", "is no TOML: "),
        ('name = "nightly"', "", "key name is missing"),
    ],
)
def test_what_is_wrong_with_the_file_is_told_in_a_line(put: Put, old: str, new: str, error: str) -> None:
    put.replace(old, new)
    failed = put()
    assert failed.returncode == 1
    (line,) = failed.stderr.splitlines()
    assert line.startswith(f"schedule: error: {put.schedule}: {error}")
    assert put.server.recurring_runs == {}


def test_a_server_that_is_away_is_told_in_a_line(put: Put) -> None:
    put.server.outages = 1000
    failed = put()
    assert failed.returncode == 1
    assert failed.stderr.startswith("schedule: error: the KFP server answers 503")
