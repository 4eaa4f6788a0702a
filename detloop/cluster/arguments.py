"""A pipeline's parameters, as its package declares them, and the text of a command line as their values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from detloop.cluster.checked_table import unknown
from detloop.errors import DetloopError

_KINDS: dict[str, tuple[type[Any], ...]] = {
    "NUMBER_INTEGER": (int,),
    "NUMBER_DOUBLE": (int, float),
    "BOOLEAN": (bool,),
    "LIST": (list,),
    "STRUCT": (dict,),
}
_EXAMPLES = {
    "NUMBER_INTEGER": "a whole number",
    "NUMBER_DOUBLE": "a number",
    "BOOLEAN": "true or false",
    "LIST": "a list in JSON",
    "STRUCT": "an object in JSON",
}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a pipeline.

    Attributes:
        kind: a ParameterType of KFP's pipeline_spec.proto.
        needed: whether it has no default.
    """

    name: str
    kind: str
    needed: bool
    default: Any
    description: str


@dataclass(frozen=True)
class Package:
    """What a compiled pipeline says of itself."""

    name: str
    parameters: dict[str, Parameter]


def read_package(path: Path) -> Package:
    """Name and parameters of a compiled pipeline.

    Raises:
        DetloopError: the file is no compiled pipeline.
    """
    try:
        spec = next(yaml.safe_load_all(path.read_text(encoding="utf-8")))
        declared = spec["root"].get("inputDefinitions", {}).get("parameters", {})
        return Package(spec["pipelineInfo"]["name"], _parameters(declared))
    except (yaml.YAMLError, UnicodeDecodeError, StopIteration, KeyError, TypeError, AttributeError):
        raise DetloopError(f"{path}: is no compiled pipeline; `detloop compile` writes one") from None


def _parameters(declared: Mapping[str, Any]) -> dict[str, Parameter]:
    return {
        name: Parameter(
            name,
            one.get("parameterType", "STRING"),
            not one.get("isOptional", False),
            one.get("defaultValue"),
            one.get("description", ""),
        )
        for name, one in declared.items()
    }


def parse_arguments(parameters: Mapping[str, Parameter], given: Mapping[str, str]) -> dict[str, Any]:
    """The values of the parameters that were given as text.

    Raises:
        DetloopError: a name is unknown, a value of the wrong type, or a parameter without default is not given.
    """
    values = {}
    for name, text in given.items():
        if name not in parameters:
            raise unknown(f"argument {name}", name, parameters)
        values[name] = _value(parameters[name], text)
    missing = [name for name, parameter in parameters.items() if parameter.needed and name not in values]
    if missing:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise DetloopError(f"the pipeline also needs {options}")
    return values


def _value(parameter: Parameter, text: str) -> Any:
    kinds = _KINDS.get(parameter.kind)
    if kinds is None:
        return text
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if type(value) not in kinds:
        raise DetloopError(f"argument {parameter.name}: is {text!r}; it must be {_EXAMPLES[parameter.kind]}")
    return value
