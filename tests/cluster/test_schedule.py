"""Schedules on a KFP server: made, listed, paused, resumed, deleted."""

import uuid
from pathlib import Path

import pytest

from detloop.cluster.schedule import six_field_cron
from detloop.errors import DetloopError
from tests.cluster.conftest import Command
from tests.cluster.kfp_server import KfpServer
from tests.cluster.test_submit import NEEDED


def test_a_schedule_lives_from_its_making_to_its_end(command: Command, endpoint: str, package: Path) -> None:
    server, name = ("--endpoint", endpoint), f"nightly-{uuid.uuid4()}"
    made = command("schedule", "--every", "24h", "--name", name, "--package", str(package), *NEEDED, *server)
    assert made.exit_code == 0, made.stderr
    assert made.stdout.startswith(f"{name}  every 86400 s  enabled  ")
    assert made.stdout.strip() in command("schedule", "list", *server).stdout
    assert "  disabled  " in command("schedule", "pause", name, *server).stdout
    assert f"{name}  every 86400 s  disabled" in command("schedule", "list", *server).stdout
    assert "  enabled  " in command("schedule", "resume", name, *server).stdout
    assert command("schedule", "delete", name, *server).stdout.startswith(f"deleted {name}  ")
    assert name not in command("schedule", "list", *server).stdout


def test_what_arrives_runs_one_at_a_time_and_makes_up_for_nothing(
    command: Command, own_server: KfpServer, package: Path
) -> None:
    words = ("--cron", "30 6 * * MON-FRI", "--package", str(package), *NEEDED, "--steps", "500")
    result = command("schedule", *words)
    assert result.exit_code == 0, result.stderr
    (made,) = own_server.recurring_runs.values()
    assert made.trigger.cron_schedule.cron == "0 30 6 * * MON-FRI"
    assert (made.no_catchup, str(made.max_concurrency), made.display_name) == (True, "1", "detection-loop")
    assert made.runtime_config.parameters["steps"] == 500
    tasks = made.pipeline_spec["pipeline_spec"]["root"]["dag"]["tasks"].values()
    assert {task["cachingOptions"].get("enableCache", False) for task in tasks} == {False}


def test_what_is_missed_is_made_up_for_where_asked(command: Command, own_server: KfpServer, package: Path) -> None:
    words = ("--every", "1h", "--catch-up", "--max-concurrency", "3", "--package", str(package), *NEEDED)
    assert command("schedule", "create", *words).exit_code == 0
    (made,) = own_server.recurring_runs.values()
    assert (made.no_catchup or False, str(made.max_concurrency)) == (False, "3")
    assert str(made.trigger.periodic_schedule.interval_second) == "3600"


def test_schedules_of_one_name_are_told_apart_by_their_id(
    command: Command, own_server: KfpServer, package: Path
) -> None:
    for name in ("twice", "twice", "once"):
        words = ("--every", "1h", "--name", name, "--package", str(package), *NEEDED)
        assert command("schedule", *words).exit_code == 0
    assert len(command("schedule", "list").stdout.splitlines()) == 3
    result = command("schedule", "pause", "twice")
    assert "twice: is the name of 2 schedules; give the id of one: " in result.stderr
    identity = next(one.recurring_run_id for one in own_server.recurring_runs.values() if one.display_name == "twice")
    assert command("schedule", "pause", identity).exit_code == 0
    assert [one.status for one in own_server.recurring_runs.values()].count("DISABLED") == 1
    missing = command("schedule", "delete", "onze")
    assert missing.stderr == "detloop: error: schedule onze is unknown; the nearest is once\n"


def test_five_fields_are_cron_and_six_are_kfps() -> None:
    assert six_field_cron("30 6 * * MON-FRI") == "0 30 6 * * MON-FRI"
    assert six_field_cron(" 15 30 6  * * * ") == "15 30 6 * * *"
    assert six_field_cron("@daily") == "@daily"
    with pytest.raises(DetloopError, match=r"--cron '6 \*': give five fields \(minute, hour"):
        six_field_cron("6 *")


@pytest.mark.parametrize("words", [[], ["--cron", "0 6 * * *", "--every", "1h"]])
def test_one_rhythm_is_wanted(command: Command, words: list[str]) -> None:
    result = command("schedule", "create", *words)
    assert result.exit_code == 2
    assert "give either --cron or --every" in result.stderr


def test_a_wrong_length_of_time_is_told(command: Command, own_server: KfpServer, package: Path) -> None:
    result = command("schedule", "--every", "daily", "--package", str(package), *NEEDED)
    assert result.stderr == "detloop: error: daily: not a length of time; write 30s, 10m, 6h or 2d\n"
