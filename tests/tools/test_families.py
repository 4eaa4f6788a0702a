"""When a model family counts as proven, and that the settings to prove it fit the config."""

import pytest

from detloop.train.odapi.config import read_config, set_fields
from tools.families import CONFIGS, overrides, verdict
from tools.family_settings import FAMILIES


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        ((2.0, 1.5, 40, 0.10), ""),
        ((2.0, 1.7, 40, 0.90), "the loss did not fall"),
        ((2.0, float("nan"), 40, 0.90), "the loss did not fall"),
        ((2.0, 1.0, 0, 0.0), "the export found nothing"),
        ((2.0, 1.0, 900, 0.09), "AP50 below 0.1"),
    ],
)
def test_loss_and_detections_decide(measured, said):
    assert verdict(*measured) == said


@pytest.mark.parametrize("name", FAMILIES)
def test_a_familys_settings_fit_its_config(name):
    config = read_config(CONFIGS / f"{name}.config")
    set_fields(config, overrides(FAMILIES[name], config))
    assert config.train_config.fine_tune_checkpoint == ""
