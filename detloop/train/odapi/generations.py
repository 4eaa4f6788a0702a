"""The trainer and the detector of a config's generation, opened in the API's runtime."""

from typing import Any

from detloop.train.odapi.config import PipelineConfig, generation_of
from detloop.train.odapi.runtime import load_api
from detloop.train.trainer import TrainingStart


def load_api_for(config: PipelineConfig) -> None:
    """Loads the API as a config's training needs it; see `load_api`."""
    load_api(generation_of(config), onednn=not config.train_config.use_bfloat16)


def open_trainer(start: TrainingStart, **options: Any) -> Any:
    """A `Trainer` of the config's generation; `options` are those of its class."""
    load_api_for(start.config)
    if generation_of(start.config) == "tf1":
        from detloop.train.odapi.tf1_trainer import Tf1Trainer

        return Tf1Trainer(start, **options)
    from detloop.train.odapi.tf2_trainer import Tf2Trainer

    return Tf2Trainer(start, **options)


def open_detector(config: PipelineConfig) -> Any:
    """The config's model as an `Engine` that takes the weights of one checkpoint after another."""
    load_api_for(config)
    if generation_of(config) == "tf1":
        from detloop.train.odapi.tf1_detector import Tf1Detector

        return Tf1Detector(config)
    from detloop.train.odapi.tf2_detector import Tf2Detector

    return Tf2Detector(config)
