"""Models that detect: opened from what lies on disk, run on batches of images."""

from detloop.engine.detections import OUTPUT_NAMES, RawDetections, raw_to_image_detections
from detloop.engine.model_files import LABEL_MAP_NAME, Engine, fetch_model, open_engine

__all__ = [
    "LABEL_MAP_NAME",
    "OUTPUT_NAMES",
    "Engine",
    "RawDetections",
    "fetch_model",
    "open_engine",
    "raw_to_image_detections",
]
