"""Training a detector from a pipeline.config on records."""

from detloop.train.checks import check_request, errors_in, findings_text
from detloop.train.run import train_detector
from detloop.train.summary import TrainSummary

__all__ = ["TrainSummary", "check_request", "errors_in", "findings_text", "train_detector"]
