"""Puts a schedule on the KFP server: `put.py SCHEDULE.TOML SETTINGS.TOML`.

KFP cannot change a recurring run, only make and delete one. The new one is made first, so that a mistake in the file
leaves the old one at work.
"""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from detloop.cluster import connect, delete_schedule, list_schedules
from detloop.errors import DetloopError

KEYS = {"name", "cron", "every", "profile", "arguments"}


def main(schedule_file: Path, settings_file: Path) -> None:
    try:
        wanted = read_schedule(schedule_file)
        client = connect()
        old = [one for one in list_schedules(client) if one.name == wanted["name"]]
        code = subprocess.run(command(wanted, settings_file), check=False).returncode  # noqa: S603
        if code:
            sys.exit(code)
        for one in old:
            print(f"deleted {delete_schedule(client, one.identity)}")
    except DetloopError as error:
        sys.exit(f"schedule: error: {error}")


def read_schedule(path: Path) -> dict[str, Any]:
    """The schedule's table; raises DetloopError where it has a key too many or no name."""
    try:
        wanted = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise DetloopError(f"{path}: is no TOML: {error}") from None
    if unknown := sorted(wanted.keys() - KEYS):
        raise DetloopError(f"{path}: key {unknown[0]} is unknown; there are {', '.join(sorted(KEYS))}")
    if not wanted.get("name"):
        raise DetloopError(f"{path}: key name is missing")
    return wanted


def command(wanted: dict[str, Any], settings_file: Path) -> list[str]:
    """The command line of `detloop schedule` that makes it."""
    options = {f"--{key}": wanted[key] for key in ("name", "cron", "every", "profile") if key in wanted}
    arguments = [f"{name}={text(value)}" for name, value in wanted.get("arguments", {}).items()]
    return [
        *(sys.executable, "-m", "detloop.cli", "schedule", "create", "--settings", str(settings_file)),
        *(word for option, value in options.items() for word in (option, str(value))),
        *(word for argument in arguments for word in ("--argument", argument)),
    ]


def text(value: Any) -> str:
    """A TOML value as the command line has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
