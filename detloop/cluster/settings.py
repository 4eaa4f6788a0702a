"""Reads a profile: the project's own, a site's settings file over it, single values from the command line over both."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, cast, get_args, get_type_hints

from detloop.cluster.checked_table import check_table
from detloop.cluster.profile import Profile
from detloop.errors import DetloopError

PROFILES = ("cpu", "gpu")
_OWN = Path(__file__).parent / "profiles"
_LAYERS = {"cpu": ("cpu.toml",), "gpu": ("cpu.toml", "gpu.toml")}


def load_profile(name: str, settings: Path | None = None, overrides: Iterable[str] = ()) -> Profile:
    """A profile with a site's own values.

    Args:
        name: one of PROFILES.
        settings: TOML file with any of the keys that the project's own profiles have; lists replace lists, tables are
            merged key by key.
        overrides: each KEY=VALUE, as `steps.train.memory_limit=32Gi`; KEY and VALUE as in TOML, but a string needs no
            quotes.

    Raises:
        DetloopError: a key is unknown or a value wrong; the message tells file, key and what is right.
    """
    files = [_OWN / layer for layer in _LAYERS[name]] + ([settings] if settings else [])
    table: dict[str, Any] = {}
    for file in files:
        table = _merged(table, check_table(_read(file), Profile, str(file)))
    for override in overrides:
        table = _merged(table, _override(override))
    defaults = table.get("defaults", {})
    table["steps"] = {step: _merged(defaults, own) for step, own in table.get("steps", {}).items()}
    return cast(Profile, _instance(Profile, table))


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DetloopError(f"{file}: is no TOML: {error}") from None


def _override(text: str) -> dict[str, Any]:
    """One KEY=VALUE as a checked table; VALUE is taken as it stands where a string is wanted, else as TOML."""
    key, equals, value = text.partition("=")
    if not key.strip() or not equals:
        raise DetloopError(f"--set {text}: write KEY=VALUE, as steps.train.memory_limit=32Gi")
    readings = [json.dumps(value), value]
    if value[:1] in ('"', "'", "[", "{"):
        readings.reverse()
    errors = []
    for reading in readings:
        try:
            return check_table(tomllib.loads(f"{key} = {reading}"), Profile, "--set")
        except tomllib.TOMLDecodeError:
            continue
        except DetloopError as error:
            errors.append(error)
    raise (
        errors[-1] if errors else DetloopError(f"--set {text}: {key} is no key in TOML's form; quote a part with dots")
    )


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both_tables = isinstance(value, Mapping) and isinstance(below.get(key), Mapping)
        merged[key] = _merged(below[key], value) if both_tables else value
    return merged


def _instance(wanted: Any, value: Any) -> Any:
    """A checked value with its tables made into the dataclasses that the schema has there."""
    if isinstance(wanted, type) and is_dataclass(wanted):
        types = get_type_hints(wanted)
        return wanted(**{key: _instance(types[key], each) for key, each in value.items()})
    arguments = get_args(wanted)
    if isinstance(value, tuple):
        return tuple(_instance(arguments[0], each) for each in value)
    if isinstance(value, Mapping):
        return {key: _instance(arguments[1], each) for key, each in value.items()}
    return value
