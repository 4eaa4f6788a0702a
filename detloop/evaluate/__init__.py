"""COCO metrics of a model on records, or of a detections table against a labelled one."""

from detloop.evaluate.coco import ClassMetrics, CocoMetrics, coco_metrics
from detloop.evaluate.model import evaluate_model, measure_detector
from detloop.evaluate.summary import EvaluateSummary
from detloop.evaluate.tables import evaluate_detections

__all__ = [
    "ClassMetrics",
    "CocoMetrics",
    "EvaluateSummary",
    "coco_metrics",
    "evaluate_detections",
    "evaluate_model",
    "measure_detector",
]
