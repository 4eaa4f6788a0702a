"""A trained checkpoint as a model that detects anywhere, proven to detect what the checkpoint does."""

from detloop.export.run import ExportSummary, export_checkpoint

__all__ = ["ExportSummary", "export_checkpoint"]
