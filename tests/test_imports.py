"""Arrows point down, each outside world has one door, and what needs no TensorFlow does not import it."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.arrows import broken_rules, imports_of

ROOT = Path(__file__).parent.parent
HEAVY = ("tensorflow", "kfp", "pandas", "object_detection", "pycocotools", "jinja2", "minio", "urllib3", "requests")


def test_the_project_keeps_its_rules() -> None:
    imports = imports_of(ROOT)
    assert broken_rules(imports) == []


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("pipeline", "components.detect"),
        ("components.train", "detloop.train.train_detector"),
        ("detloop.detect.run", "detloop.engine.open_engine"),
        ("detloop.export.run", "detloop.train.odapi.config.read_config"),
        ("detloop.cluster.local_run", "kfp.local"),
        ("detloop.engine.tensorflow_engine", "tensorflow"),
        ("detloop.cli", "pipeline.detection_loop"),
    ],
)
def test_the_walker_sees_the_arrows_that_are_there(importer: str, imported: str) -> None:
    names = {(found.importer, found.imported) for found in imports_of(ROOT)}
    assert any(who == importer and (what + ".").startswith(imported + ".") for who, what in names)


@pytest.mark.parametrize(
    ("file", "code", "reason"),
    [
        ("detloop/records/write.py", "import kfp", "kfp may be imported only by"),
        ("detloop/records/write.py", "def f():\n    from kfp import dsl", "kfp may be imported only by"),
        ("detloop/report/page.py", "import tensorflow as tf", "tensorflow may be imported only by"),
        ("detloop/train/run.py", "import object_detection.inputs", "object_detection may be imported only by"),
        ("detloop/images.py", "from google.cloud import storage", "google.cloud.storage may be imported only by"),
        ("detloop/images.py", "import importlib\nimportlib.import_module('minio')", "minio may be imported only by"),
        ("detloop/detect/run.py", "from detloop.records import write_records", "do not import each other"),
        ("detloop/detect/run.py", "from ..records import write_records", "do not import each other"),
        ("detloop/export/run.py", "from detloop.train import train_detector", "do not import each other"),
        ("detloop/images.py", "from detloop.detect import detect_images", "ground may import ground"),
        ("detloop/detect/run.py", "from components import detect", "stage may import stage, ground"),
        ("detloop/cluster/run.py", "from pipeline import detection_loop", "stage may import stage, ground"),
        ("components/detect.py", "import pipeline", "components may import components, stage, ground"),
        ("pipeline.py", "from detloop.detect import detect_images", "pipeline may import components"),
        ("detloop/images.py", "from tests.drawn import draw_image", "stands without its tests"),
    ],
)
def test_an_import_that_breaks_a_rule_is_found(tmp_path: Path, file: str, code: str, reason: str) -> None:
    for name in ("pipeline.py", file):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / file).write_text(code)
    (broken,) = broken_rules(imports_of(tmp_path))
    assert reason in broken


def run_and_list_modules(arguments: list[str]) -> tuple[set[str], float]:
    """Runs the command line in a process of its own: the top-level packages it imported, and seconds of wall time."""
    code = (
        "import json, sys\n"
        "from detloop.cli import main\n"
        f"main({arguments!r}, standalone_mode=False)\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})), file=sys.stderr)"
    )
    began = time.monotonic()
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(json.loads(finished.stderr.strip().splitlines()[-1])), time.monotonic() - began


def test_help_starts_at_once_and_imports_nothing_heavy() -> None:
    runs = [run_and_list_modules(["--help"]) for _ in range(3)]
    assert not runs[0][0].intersection(HEAVY)
    fastest = min(seconds for _, seconds in runs)
    assert fastest < 1.0, "half a second is promised; twice that is allowed to a busy machine"


def test_compile_imports_no_tensorflow(tmp_path: Path) -> None:
    modules, _ = run_and_list_modules(["compile", "--output", str(tmp_path / "pipeline.yaml")])
    assert "kfp" in modules
    assert not modules.intersection({"tensorflow", "object_detection", "pandas"})
