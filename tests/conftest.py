"""Models that several folders of tests run; built once a session."""

from pathlib import Path

import pytest

from detloop.labels import LabelMap, write_label_map
from tests import tiny_models


@pytest.fixture(scope="session")
def frozen_graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A frozen graph that finds what is red (class 1), green (2) and blue (3)."""
    return tiny_models.write_frozen_graph(tmp_path_factory.mktemp("frozen") / "frozen_inference_graph.pb")


@pytest.fixture(scope="session")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same detector as a SavedModel of TensorFlow 2."""
    return tiny_models.write_saved_model(tmp_path_factory.mktemp("saved") / "saved_model")


@pytest.fixture(scope="session")
def color_label_map(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """red, green and blue, as the models number them."""
    path = tmp_path_factory.mktemp("labels") / "label_map.pbtxt"
    write_label_map(LabelMap.of_names(["red", "green", "blue"]), path)
    return path
