"""From detections and images to the TFRecords that the TF Object Detection API trains on."""

from detloop.records.summary import RecordsSummary
from detloop.records.write import write_records

__all__ = ["RecordsSummary", "write_records"]
