"""Running the pipeline: compiled for a cluster, or executed here from the same definition."""

from detloop.cluster.compiled import build, compile_pipeline
from detloop.cluster.local_run import RunSummary, run_locally
from detloop.cluster.settings import load_profile

__all__ = ["RunSummary", "build", "compile_pipeline", "load_profile", "run_locally"]
