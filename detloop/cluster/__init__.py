"""Running the pipeline: compiled for a cluster, or executed here from the same definition."""

from detloop.cluster.compiled import compile_pipeline
from detloop.cluster.local_run import RunSummary, run_locally

__all__ = ["RunSummary", "compile_pipeline", "run_locally"]
