"""Tables of a TOML file checked against a dataclass: every key known, every value of the field's type and form."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from detloop.cluster.profile import Form
from detloop.errors import DetloopError

_TYPE_NAMES = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}
_CONTAINER_NAMES = {dict: "a table", tuple: "a list"}


def check_table(table: Any, schema: type[Any], where: str, path: str = "") -> dict[str, Any]:
    """The table with its values as the fields have them: lists become tuples, tables within it stay dicts.

    Args:
        table: what the file has; keys may be missing.
        schema: a dataclass.
        where: the file or option that the table is from.
        path: the keys that lead to the table, with a dot after each.

    Raises:
        DetloopError: a key that the schema lacks, or a value of another type or form than the field's.
    """
    if not isinstance(table, Mapping):
        raise DetloopError(f"{where}: {path.rstrip('.')}: is {_kind(table)}; it must be a table")
    types, forms = get_type_hints(schema), {each.name: each.metadata.get("form") for each in fields(schema)}
    checked = {}
    for key, value in table.items():
        if key not in types:
            raise unknown(f"{where}: {path}{key}", key, types)
        checked[key] = _checked(value, types[key], forms[key], where, path + key)
    return checked


def unknown(where: str, name: str, known: Iterable[str]) -> DetloopError:
    """The error for a name that is not among the known ones; it tells the nearest of them."""
    nearest = difflib.get_close_matches(name, list(known), n=1, cutoff=0)
    return DetloopError(f"{where} is unknown; " + (f"the nearest is {nearest[0]}" if nearest else "there is none"))


def _checked(value: Any, wanted: Any, form: Form | None, where: str, path: str) -> Any:
    origin, arguments = get_origin(wanted), get_args(wanted)
    if is_dataclass(wanted) and isinstance(wanted, type):
        return check_table(value, wanted, where, f"{path}.")
    if origin is dict and isinstance(value, Mapping):
        return {key: _checked(each, arguments[1], None, where, f"{path}.{key}") for key, each in value.items()}
    if origin is tuple and isinstance(value, list):
        return tuple(_checked(each, arguments[0], None, where, f"{path}[{at}]") for at, each in enumerate(value))
    if origin is Literal and value in arguments:
        return value
    if origin is None and form is None:
        return _checked_plain(value, wanted, f"{where}: {path}")
    if form is not None:
        return _checked_text(value, form, f"{where}: {path}")
    right = f"one of {', '.join(map(repr, arguments))}" if origin is Literal else _CONTAINER_NAMES[origin]
    raise DetloopError(f"{where}: {path}: is {_kind(value)}; it must be {right}")


def _checked_text(value: Any, form: Form, where: str) -> str:
    """A quantity, duration or name; quantities may be written as plain numbers."""
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not form.fits(text):
        raise DetloopError(f"{where}: is {_kind(value)}; write {form.example}")
    return text


def _checked_plain(value: Any, wanted: type[Any], where: str) -> Any:
    if wanted is float and type(value) is int:
        return float(value)
    if type(value) is not wanted:
        raise DetloopError(f"{where}: is {_kind(value)}; it must be {_TYPE_NAMES[wanted]}")
    if wanted in (int, float) and value < 0:
        raise DetloopError(f"{where}: is {value}; it must not be negative")
    return value


def _kind(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a table"
    return "a list" if isinstance(value, list) else f"{value!r}"
