"""The container image that a step runs in where no profile names one."""

from detloop import __version__

IMAGE = f"detloop:{__version__}-cpu"
"""Never `latest`, so that a run can be repeated; `detloop compile` puts the profile's image in its place."""
