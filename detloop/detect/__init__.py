"""Detection in many images: decoded, run and written side by side, gone on with after an interruption, in shards."""

from detloop.detect.collecting import CollectSummary, collect_tables
from detloop.detect.kept_parts import parts_beside
from detloop.detect.run import detect_images
from detloop.detect.summary import DetectSummary

__all__ = ["CollectSummary", "DetectSummary", "collect_tables", "detect_images", "parts_beside"]
