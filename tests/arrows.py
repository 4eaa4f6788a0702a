"""Reads the imports of a source tree and says which of them break the house's rules."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

GROUND_FLOOR = (
    "errors",
    "store",
    "progress",
    "labels",
    "images",
    "csv_rows",
    "iou",
    "box_columns",
    "detections",
    "examples",
    "listing",
    "shard",
    "frames",
    "engine",
    "ahead",
    "pages",
)
STAGES = ("detect", "records", "train", "evaluate", "export", "report", "cluster", "summary", "zoo", "promotion")
STAGE_LINKS = (
    ("detloop.export", "detloop.train.odapi"),
    ("detloop.train", "detloop.evaluate"),
    ("detloop.cluster", "detloop.summary"),
)
"""Stages that may use a part of another: an export is built and proven in the API's own runtime; a training measures
its checkpoints as any model is measured; who watches a run reads its steps as the run's own summary does."""

DOORS = {
    "kfp": ("pipeline", "components", "detloop.cluster"),
    "kfp_server_api": ("detloop.cluster", "detloop.summary"),
    "object_detection": ("detloop.train.odapi",),
    "minio": ("detloop.store",),
    "google.cloud.storage": ("detloop.store",),
    "tensorflow": ("detloop.engine", "detloop.train", "detloop.export"),
}
"""Packages of the outside world, and the only modules that may import each."""


@dataclass(frozen=True)
class Import:
    """One name that a module imports, as `detloop.train.run` or `detloop.train.run.train_detector`."""

    importer: str
    imported: str
    line: int

    def __str__(self) -> str:
        return f"{self.importer}, line {self.line}: imports {self.imported}"


def imports_of(root: Path) -> list[Import]:
    """All imports in detloop/, components/ and pipeline.py under `root`, those inside functions too."""
    files = [*(root / "detloop").rglob("*.py"), *(root / "components").rglob("*.py"), root / "pipeline.py"]
    return [found for file in sorted(files) for found in _imports_in(file, _module_name(root, file))]


def broken_rules(imports: list[Import]) -> list[str]:
    """One line for each import that no rule allows."""
    return [f"{found}; {reason}" for found in imports if (reason := _objection(found))]


def _module_name(root: Path, file: Path) -> str:
    return ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def _imports_in(file: Path, module: str) -> Iterator[Import]:
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (Import(module, alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*parents, *filter(None, [node.module])])
            yield from (Import(module, f"{origin}.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.Call) and (name := _imported_by_call(node)):
            yield Import(module, name, node.lineno)


def _imported_by_call(call: ast.Call) -> str | None:
    """The module of importlib.import_module("x") or __import__("x")."""
    called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    first = call.args[0] if call.args else None
    if called in ("import_module", "__import__") and isinstance(first, ast.Constant) and isinstance(first.value, str):
        return first.value
    return None


def _objection(found: Import) -> str | None:
    for package, allowed in DOORS.items():
        if _within(found.imported, package) and not any(_within(found.importer, module) for module in allowed):
            return f"{package} may be imported only by {', '.join(allowed)}"
    top = found.imported.split(".")[0]
    if top not in ("detloop", "components", "pipeline", "tests", "demo", "benchmarks"):
        return None
    return _arrow_objection(found.importer, found.imported)


def _arrow_objection(importer: str, imported: str) -> str | None:
    """What is wrong with an arrow between two modules of the project; None when it points down."""
    level, target = _level(importer), _level(imported)
    if target == "outside":
        return "the project's code stands without its tests, demo and benchmarks"
    allowed = {
        "pipeline": ("components",),
        "components": ("components", "stage", "ground"),
        "cli": ("cli", "pipeline", "stage", "ground"),
        "stage": ("stage", "ground"),
        "ground": ("ground",),
    }[level]
    if target not in allowed:
        return f"arrows point down: {level} may import {', '.join(allowed)}"
    if level == target == "stage" and not _same_stage(importer, imported):
        return "stage packages do not import each other"
    return None


def _level(module: str) -> str:
    parts = module.split(".")
    if parts[0] in ("pipeline", "components"):
        return parts[0]
    if parts[0] != "detloop":
        return "outside"
    if len(parts) == 1 or parts[1] in GROUND_FLOOR or parts[1] == "__version__":
        return "ground"
    if parts[1] in STAGES:
        return "stage"
    if parts[1] in ("cli", "cli_options", "cluster_cli", "promotion_cli"):
        return "cli"
    raise AssertionError(f"{module}: give it a place in the house, in tests/arrows.py and in design.md")


def _same_stage(importer: str, imported: str) -> bool:
    linked = any(_within(importer, user) and _within(imported, used) for user, used in STAGE_LINKS)
    return linked or importer.split(".")[1] == imported.split(".")[1]


def _within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")
