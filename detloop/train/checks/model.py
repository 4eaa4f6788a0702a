"""Checks of the model that the config asks for."""

import ast
import difflib
import importlib.util
from functools import cache
from pathlib import Path

from detloop.train.checks.findings import Finding
from detloop.train.odapi.config import PipelineConfig, feature_extractor_of

_BUILDER = Path("builders") / "model_builder.py"
_ARCHITECTURES = {"SSD_": "ssd", "FASTER_RCNN_": "faster_rcnn", "CENTER_NET_": "center_net"}


def check_model(config: PipelineConfig) -> list[Finding]:
    """Whether the API knows the feature extractor, in this architecture."""
    extractor, architecture = feature_extractor_of(config), str(config.model.WhichOneof("model"))
    known = known_feature_extractors()
    where = f"model.{architecture}.feature_extractor.type"
    if not known or extractor in known[architecture]:
        return []
    others = [name for name, extractors in known.items() if extractor in extractors]
    if others:
        return [Finding("error", where, f"{extractor!r} is one of {others[0]}", f"put it into model {{ {others[0]} }}")]
    nearest = difflib.get_close_matches(extractor, sorted(known[architecture]), n=1, cutoff=0)
    return [Finding("error", where, f"the API has no {extractor!r}", f"the nearest is {nearest[0]!r}")]


@cache
def known_feature_extractors() -> dict[str, frozenset[str]]:
    """The names by architecture; read from the source of the API's model_builder, which imports TensorFlow.

    Empty where that source is not what is expected here: then the API itself will say what it does not know.
    """
    spec = importlib.util.find_spec("object_detection")
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        return {}
    found: dict[str, frozenset[str]] = {}
    tree = ast.parse((Path(folders[0]) / _BUILDER).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) and isinstance(node.targets[0], ast.Name):
            architecture = _architecture_of(node.targets[0].id)
            if architecture:
                keys = (key.value for key in node.value.keys if isinstance(key, ast.Constant))
                found[architecture] = found.get(architecture, frozenset()) | frozenset(map(str, keys))
    return found if found.keys() == set(_ARCHITECTURES.values()) else {}


def _architecture_of(map_name: str) -> str | None:
    return next((name for prefix, name in _ARCHITECTURES.items() if map_name.startswith(prefix)), None)
