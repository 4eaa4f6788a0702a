"""The metrics of an exported model on the valid records."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from detloop.detections import ImageDetections
from detloop.engine import LABEL_MAP_NAME, Engine, fetch_model, open_engine, raw_to_image_detections
from detloop.errors import DetloopError
from detloop.evaluate.coco import CocoMetrics, coco_metrics
from detloop.evaluate.ground_truth import LabelledImage, read_labelled_images, valid_record_files
from detloop.evaluate.summary import EvaluateSummary, write_metrics
from detloop.examples import count_records
from detloop.labels import LabelMap, read_label_map
from detloop.progress import Progress


def evaluate_model(*, model: str, records: Path, output: Path, batch_size: int = 8) -> EvaluateSummary:
    """Writes output/metrics.json and output/per_class.csv: COCO's metrics of a model on records/valid-*.record.

    Classes are matched by name: the records' label map names what is labelled, and the model's own label map (beside
    the model; the records' where there is none) what is detected. All detections with a score above 0 count.

    Args:
        model: URI of a frozen graph, a SavedModel folder, or a folder with either.
        records: a folder that `detloop records` wrote.
        output: the folder to write to.
        batch_size: images a model run; fewer where images of different sizes follow each other.

    Raises:
        DetloopError: the model is none, or a training's checkpoints; the records are damaged or hold no image; or
            model and records have no class in common.
    """
    model_path = fetch_model(model)
    record_files = valid_record_files(records)
    truth_map = read_label_map(records / LABEL_MAP_NAME)
    model_map = _model_label_map(model_path, truth_map)
    images = sum(map(count_records, record_files))
    if not images:
        raise DetloopError(f"{records}: the valid-*.record files hold no image; there is nothing to measure on")
    metrics = measure_detector(open_engine(model_path), record_files, images, truth_map, model_map, batch_size)
    return write_metrics(output, metrics)


def measure_detector(
    engine: Engine,
    record_files: Sequence[Path],
    images: int,
    truth_map: LabelMap,
    model_map: LabelMap,
    batch_size: int = 8,
) -> CocoMetrics:
    """COCO's metrics of a detector on the images and boxes of TFRecord files.

    Args:
        images: how many the files hold, for the progress.
        truth_map, model_map: the classes of the records and of the detector, which are matched by name.

    Raises:
        DetloopError: a record is damaged or its image cannot be decoded, or the detector cannot run on it.
    """
    truths: list[ImageDetections] = []
    found: list[ImageDetections] = []
    with Progress("evaluate", images) as progress:
        labelled = (image for file in record_files for image in read_labelled_images(file, truth_map))
        for batch in _batches(labelled, min(batch_size, engine.max_batch_size or batch_size)):
            found.extend(_detect(engine, batch, model_map))
            truths.extend(image.truth for image in batch)
            progress.update(len(batch))
    return coco_metrics(truths, found, truth_map.names)


def _model_label_map(model: Path, truth_map: LabelMap) -> LabelMap:
    """The label map beside a frozen graph, in a SavedModel folder or in the folder above; else that of the records."""
    folders = [model, model.parent] if model.is_dir() else [model.parent]
    path = next((folder / LABEL_MAP_NAME for folder in folders if (folder / LABEL_MAP_NAME).is_file()), None)
    if path is None:
        return truth_map
    model_map = read_label_map(path)
    if not set(model_map.names) & set(truth_map.names):
        raise DetloopError(
            f"{path}: none of the model's classes ({_some(model_map.names)}) is one of the records'"
            f" ({_some(truth_map.names)}); classes are matched by name"
        )
    return model_map


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def _batches(images: Iterable[LabelledImage], size: int) -> Iterator[list[LabelledImage]]:
    """Images that follow each other and have one shape, at most `size` together."""
    batch: list[LabelledImage] = []
    for image in images:
        if batch and (len(batch) == size or image.pixels.shape != batch[0].pixels.shape):
            yield batch
            batch = []
        batch.append(image)
    if batch:
        yield batch


def _detect(engine: Engine, batch: list[LabelledImage], model_map: LabelMap) -> Iterator[ImageDetections]:
    raw = engine.detect(np.stack([image.pixels for image in batch]))
    for index, image in enumerate(batch):
        yield raw_to_image_detections(
            raw,
            index,
            filename=image.truth.filename,
            width=image.truth.width,
            height=image.truth.height,
            label_map=model_map,
            threshold=0.0,
        )
