"""Configs as read, changed in a field or two."""

from typing import Any

from google.protobuf import text_format

from detloop.train.odapi.config import set_fields
from detloop.train.odapi.protos import new_pipeline_config
from tests.train.tiny_configs import ssd_config

RATE = "train_config.optimizer.momentum_optimizer.learning_rate"
RESIZER = "model.ssd.image_resizer"


def config(*assignments: str, generation: str = "tf1") -> Any:
    """The tiny config for two classes."""
    message = new_pipeline_config()
    text_format.Parse(ssd_config(generation), message)
    set_fields(message, ["model.ssd.num_classes=2", *assignments])
    return message
