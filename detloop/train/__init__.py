"""Training a detector from a pipeline.config on records."""

from detloop.train.run import TrainSummary, newest_checkpoint, train_detector

__all__ = ["TrainSummary", "newest_checkpoint", "train_detector"]
