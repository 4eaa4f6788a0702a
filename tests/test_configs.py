"""The pipeline.configs of configs/: valid, of the generation their family says, explained, naming no path."""

import re
from pathlib import Path

import pytest

from detloop.train.odapi.config import architecture_of, feature_extractor_of, generation_of, read_config
from tools.family_settings import FAMILIES

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.config"))
EXTRACTORS = {
    "ssdlite_mobilenet_v2": "ssd_mobilenet_v2",
    "ssd_resnet50_fpn": "ssd_resnet50_v1_fpn",
    "center_net_mobilenet_v2_fpn": "mobilenet_v2_fpn",
    "center_net_resnet50_v1_fpn": "resnet_v1_50_fpn",
}
"""The feature extractors that are named otherwise than their config."""


def test_every_config_is_proven_by_the_families_script():
    assert {path.stem for path in CONFIGS} == set(FAMILIES)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_config_is_what_its_name_says(path):
    config = read_config(path)
    is_tf2 = path.stem.endswith("_keras") or path.stem.startswith("center_net_")
    assert generation_of(config) == ("tf2" if is_tf2 else "tf1")
    assert feature_extractor_of(config) == EXTRACTORS.get(path.stem, path.stem)
    assert f"TF{generation_of(config)[-1]}" in path.read_text(encoding="utf-8").splitlines()[0]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_config_leaves_to_detloop_what_detloop_fills_in(path):
    config = read_config(path)
    text = path.read_text(encoding="utf-8")
    paths = re.findall(r'(?:input_path|label_map_path|fine_tune_checkpoint): "(.*)"', text)
    assert paths == ["PATH_TO_BE_CONFIGURED"] * 5
    assert not re.search(r'"[^"]*[/\\][^"]*"', text)
    assert architecture_of(config).num_classes > 0
    assert config.train_config.num_steps > 0
    assert config.train_config.batch_size > 0


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_schedule_ends_with_the_training_and_is_explained(path):
    train = read_config(path).train_config
    optimizer = getattr(train.optimizer, train.optimizer.WhichOneof("optimizer"))
    assert optimizer.learning_rate.cosine_decay_learning_rate.total_steps == train.num_steps
    assert not train.optimizer.use_moving_average
    comments = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip().startswith("#")]
    for word in ("num_classes", "--steps", "fine_tune_checkpoint", "learning", "Augmentation"):
        assert any(word in line for line in comments), word
