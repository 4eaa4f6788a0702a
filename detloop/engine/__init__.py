"""Models that detect: opened from what lies on disk, run on batches of images."""

from detloop.engine.detections import OUTPUT_NAMES, RawDetections, raw_to_image_detections
from detloop.engine.model_files import Engine, find_model, open_engine

__all__ = ["OUTPUT_NAMES", "Engine", "RawDetections", "find_model", "open_engine", "raw_to_image_detections"]
