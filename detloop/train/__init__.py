"""Training a detector from a pipeline.config on records."""

from detloop.train.run import TrainSummary, train_detector

__all__ = ["TrainSummary", "train_detector"]
