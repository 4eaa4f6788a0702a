"""Running the pipeline: compiled for a cluster and handed to its KFP server, or executed here from the same graph."""

from detloop.cluster.compiled import build, compile_pipeline
from detloop.cluster.connection import connect
from detloop.cluster.containers import plan_containers
from detloop.cluster.local_run import RunSummary, run_locally
from detloop.cluster.schedule import create_schedule, delete_schedule, list_schedules, pause_schedule, resume_schedule
from detloop.cluster.settings import load_profile
from detloop.cluster.submit import VERSION_PARAMETERS, submit_run
from detloop.cluster.watch import watch_run

__all__ = [
    "VERSION_PARAMETERS",
    "RunSummary",
    "build",
    "compile_pipeline",
    "connect",
    "create_schedule",
    "delete_schedule",
    "list_schedules",
    "load_profile",
    "pause_schedule",
    "plan_containers",
    "resume_schedule",
    "run_locally",
    "submit_run",
    "watch_run",
]
