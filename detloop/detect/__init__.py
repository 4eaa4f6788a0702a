"""Detection in many images: decoded, run and written side by side, and gone on with after an interruption."""

from detloop.detect.run import detect_images
from detloop.detect.summary import DetectSummary

__all__ = ["DetectSummary", "detect_images"]
