"""What can be known to be wrong with a training before it costs compute: all of it at once."""

from detloop.train.checks.findings import Finding, errors_in, findings_text
from detloop.train.checks.run import check_request, check_training, read_request

__all__ = ["Finding", "check_request", "check_training", "errors_in", "findings_text", "read_request"]
