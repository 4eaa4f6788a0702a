"""The run of a detector over all images of a source."""

import os
import time
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from detloop.ahead import map_ahead
from detloop.detect.batches import Batch, ReadImage, gather_batches
from detloop.detect.summary import DetectSummary
from detloop.detect.tables import GrowingTables, check_output, open_tables
from detloop.detections import ImageDetections, ImageRow
from detloop.engine import Engine, find_model, open_engine, raw_to_image_detections
from detloop.errors import DetloopError
from detloop.images import ImageSource, decode_rgb, open_source
from detloop.labels import LabelMap, read_label_map
from detloop.progress import Progress
from detloop.store import existing_file, local_path

DECODING_THREADS = min(4, os.cpu_count() or 1)
BATCHES_UNDER_WAY = 2
"""One that the model runs, and one that waits for it while the tables of the last are written."""


def detect_images(
    *,
    model: str,
    label_map: str,
    images: str,
    output: Path,
    threshold: float = 0.5,
    engine: str = "auto",
    batch_size: int = 8,
    resume: bool = True,
    strict: bool = False,
) -> DetectSummary:
    """Detects objects in every image of a source: a table of the boxes, and images.csv of the images looked at.

    Images are decoded by threads, run in batches of one size by another, and written in the source's order by the
    caller's, all at the same time; memory does not grow with their number. While it runs, the tables lie in the folder
    `<output>.partial`, where an interrupted run is gone on with.

    Args:
        model: frozen graph, SavedModel, or folder that holds either.
        label_map: the model's label map (.pbtxt).
        images: image folder, glob pattern or .txt manifest.
        output: the detections table to write; images.csv is written beside it.
        threshold: boxes with a score strictly above this are written.
        engine: what runs the model, "auto" or "tensorflow".
        batch_size: images a model run, where that many of one size are near each other.
        resume: go on where an interrupted run of the same model, label map, source, threshold and strictness stopped.
        strict: an image that cannot be read is an error instead of a row of images.csv with the reason.

    Raises:
        DetloopError: an input is missing or wrong, the model cannot run, or `strict` and an image cannot be read.
        OSError: the tables cannot be written.
    """
    names_of_classes = read_label_map(existing_file(label_map, "label map"))
    source = open_source(images)
    check_output(output)
    model_path = find_model(local_path(model))
    settings = {
        "model": _files_state(model_path),
        "label_map": {str(class_id): name for class_id, name in names_of_classes.name_of_id.items()},
        "images": str(source.root.resolve()),
        "threshold": threshold,
        "engine": engine,
        "strict": strict,
    }
    detector = _Detector(open_engine(model_path, engine), names_of_classes, threshold)
    with open_tables(output, settings, source.names(), resume) as tables:
        images_before, began = tables.tally.images, time.monotonic()
        _fill_tables(tables, source, detector, batch_size, strict)
        seconds = time.monotonic() - began
        tables.finish(output)
    return tables.tally.summary(output, images_before, seconds)


@dataclass(frozen=True)
class _LookedAt:
    """What became of one image: its row, and its detections when it could be read."""

    position: int
    row: ImageRow
    found: ImageDetections | None


@dataclass(frozen=True)
class _Detector:
    """A model with what its output is read by."""

    engine: Engine
    label_map: LabelMap
    threshold: float

    def look_at(self, batch: Batch) -> list[_LookedAt]:
        """Runs the model on a batch."""
        readable = [image.pixels for image in batch.images if image.pixels is not None]
        if not readable:
            return [
                _LookedAt(image.position, ImageRow(image.name, 0, 0, 0, image.error), None) for image in batch.images
            ]
        height, width = readable[0].shape[:2]
        raw = self.engine.detect(np.stack(readable))
        looked_at = []
        for index, image in enumerate(batch.images):
            found = raw_to_image_detections(
                raw,
                index,
                filename=image.name,
                width=width,
                height=height,
                label_map=self.label_map,
                threshold=self.threshold,
            )
            row = ImageRow(image.name, width, height, len(found))
            looked_at.append(_LookedAt(image.position, row, found))
        return looked_at


def _fill_tables(
    tables: GrowingTables, source: ImageSource, detector: _Detector, batch_size: int, strict: bool
) -> None:
    """Looks at every image that the tables lack, and writes each in its turn."""
    start = tables.tally.images
    total = sum(1 for _ in source.names())
    batch_size = min(batch_size, detector.engine.max_batch_size or batch_size)
    positions_and_names = islice(enumerate(source.names()), start, None)
    images = map_ahead(
        lambda place: _read(source, *place), positions_and_names, DECODING_THREADS, DECODING_THREADS + batch_size
    )
    batches = gather_batches(images, batch_size)
    runs = map_ahead(lambda batch: (batch, detector.look_at(batch)), batches, threads=1, ahead=BATCHES_UNDER_WAY)
    waiting: dict[int, _LookedAt] = {}
    with closing(runs), Progress("detect", total, start=start) as progress:
        for batch, looked_at in runs:
            waiting |= {image.position: image for image in looked_at}
            while image := waiting.pop(tables.tally.images, None):
                if strict and image.row.error:
                    raise DetloopError(f"{source.root / image.row.filename}: {image.row.error}")
                tables.write(image.row, image.found)
            if batch.leaves_none_waiting:
                tables.keep()
            progress.update(len(looked_at), boxes=str(tables.tally.boxes))


def _read(source: ImageSource, position: int, name: str) -> ReadImage:
    try:
        return ReadImage(position, name, decode_rgb(source.read_bytes(name)))
    except DetloopError as error:
        return ReadImage(position, name, None, str(error))


def _files_state(model: Path) -> list[list[str | int]]:
    """What changes when a model is replaced: the path, size and modification time of its files."""
    files = sorted(path for path in model.rglob("*") if path.is_file()) if model.is_dir() else [model]
    states = [(path, path.stat()) for path in files]
    return [[str(path.resolve()), state.st_size, state.st_mtime_ns] for path, state in states]
