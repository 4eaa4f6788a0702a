"""What became of a run: its steps as KFP's API tells them, and the page that a run's last step makes of them."""

from detloop.summary.logs import last_log_lines, reason_in
from detloop.summary.page import RunSummary
from detloop.summary.run import write_summary
from detloop.summary.steps import ENDED, WAITING, Step, error_of, failed_step, state_of, steps_of

__all__ = [
    "ENDED",
    "WAITING",
    "RunSummary",
    "Step",
    "error_of",
    "failed_step",
    "last_log_lines",
    "reason_in",
    "state_of",
    "steps_of",
    "write_summary",
]
