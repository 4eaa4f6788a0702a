"""What a run came to, for people: an HTML page with teacher and student side by side, and a Markdown table."""

from detloop.report.comparison import ReportSummary, write_comparison
from detloop.report.markdown import write_markdown

__all__ = ["ReportSummary", "write_comparison", "write_markdown"]
