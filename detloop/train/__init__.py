"""Training a detector from a pipeline.config on records."""

from detloop.train.run import train_detector
from detloop.train.summary import TrainSummary

__all__ = ["TrainSummary", "train_detector"]
