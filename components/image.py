"""The container image that every step runs in."""

import os

from detloop import __version__

IMAGE = os.environ.get("DETLOOP_IMAGE", f"detloop:{__version__}")
"""Read when the pipeline is compiled; never `latest`, so that a run can be repeated."""
