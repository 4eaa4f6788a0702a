"""The metrics of a detections table against a labelled one."""

from pathlib import Path

from detloop.detections import ImageDetections, read_detections
from detloop.errors import DetloopError
from detloop.evaluate.coco import coco_metrics
from detloop.evaluate.summary import EvaluateSummary, write_metrics


def evaluate_detections(*, detections: Path, ground_truth: Path, output: Path) -> EvaluateSummary:
    """Writes output/metrics.json and output/per_class.csv: COCO's metrics of one table against another.

    The images measured are those that the ground truth names: a table of labels may cover a part of the images
    detected on. Detections on other images are left out and counted. All rows count, whatever their score: tables of
    a high --threshold score lower than the detector could, since COCO's metrics look at the whole recall curve.

    Raises:
        DetloopError: a table is not what it should be, they share no image, or their sizes of one image differ.
    """
    truths, found = list(read_detections(ground_truth)), list(read_detections(detections))
    if not truths:
        raise DetloopError(f"{ground_truth}: the table has no box; there is nothing to measure against")
    truth_of_name = {image.filename: image for image in truths}
    _check_common_names(truth_of_name, found, ground_truth, detections)
    for image in found:
        _check_same_size(image, truth_of_name.get(image.filename), ground_truth, detections)
    return write_metrics(output, coco_metrics(truths, found))


def _check_common_names(
    truth_of_name: dict[str, ImageDetections], found: list[ImageDetections], ground_truth: Path, detections: Path
) -> None:
    if found and not any(image.filename in truth_of_name for image in found):
        raise DetloopError(
            f"{detections} and {ground_truth} have no image in common: they name {found[0].filename!r} and"
            f" {next(iter(truth_of_name))!r}; names must be equal, relative to the same folder"
        )


def _check_same_size(
    image: ImageDetections, truth: ImageDetections | None, ground_truth: Path, detections: Path
) -> None:
    if truth is not None and (image.width, image.height) != (truth.width, truth.height):
        raise DetloopError(
            f"{image.filename} is {image.width}x{image.height} in {detections} and {truth.width}x{truth.height} in"
            f" {ground_truth}; boxes in pixels of different images cannot be compared"
        )
