"""The pre-trained detectors of the TF1 and TF2 detection zoos: listed, fetched, checked and cached."""

from detloop.zoo.get import get_model
from detloop.zoo.listing import list_models

__all__ = ["get_model", "list_models"]
