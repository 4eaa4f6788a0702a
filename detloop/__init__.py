"""The detection loop: label images with a detector, train a new one on those labels, measure, export, detect again."""

from importlib.metadata import version

__version__ = version("detloop")
