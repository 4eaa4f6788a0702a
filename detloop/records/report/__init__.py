"""The data set as an HTML page: what is learned, how certain it is, and what was left out."""

from detloop.records.report.choices import LeftOut, ScoreRules
from detloop.records.report.counts import Counts
from detloop.records.report.page import write_report
from detloop.records.report.statistics import DatasetStatistics

__all__ = ["Counts", "DatasetStatistics", "LeftOut", "ScoreRules", "write_report"]
