"""The records step: stream through the table once, copy each image's bytes into the record file of its side."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from detloop.csv_rows import csv_text, open_csv_for_reading, open_csv_for_writing
from detloop.detections import ImageDetections
from detloop.errors import DetloopError, ImageError
from detloop.images import ImageSource, open_source
from detloop.labels import write_label_map
from detloop.progress import Progress
from detloop.records.boxes import WantedBoxes, wanted_boxes
from detloop.records.encoded import EncodedImage, encoded_image
from detloop.records.features import image_example
from detloop.records.report import DatasetStatistics, ScoreRules, write_report
from detloop.records.shards import ShardedWriter
from detloop.records.split import TRAIN, VALID, Split, choose_split
from detloop.records.summary import REPORT_FILE, RecordsSummary, RecordsTally
from detloop.records.table import all_images, choose_classes, images_csv_beside, survey_tables
from detloop.store import write_folder_whole

SPLIT_FILE, SPLIT_COLUMNS = "split.csv", ("filename", "group", "split", "boxes")
OWN_NAMES = r"(train|valid)-\d+-of-\d+\.record|label_map\.pbtxt|split\.csv|report\.html"


def write_records(
    *,
    detections: Path,
    images: str,
    output: Path,
    classes: Sequence[str] | None = None,
    first: int | None = None,
    valid_fraction: float = 0.2,
    group_by: str | None = None,
    shards: int = 1,
    keep_negatives: bool = False,
    strict: bool = False,
) -> RecordsSummary:
    """Writes train and valid TFRecords, label_map.pbtxt, split.csv and report.html into a folder, whole or not at all.

    Images go in the order of their names, round robin over the shards of their side. The time is linear in the images
    and the memory constant when the table is in that order, as `detloop detect` writes it.

    Args:
        detections: the table to learn from; every box in it counts, whatever its score.
        images: URI of the images that the table names.
        output: the folder; replaced as a whole when it holds an earlier run's files.
        classes: names wanted; their ids are 1, 2, ... in this order. Default: all names in the table but N/A, sorted.
        first: the first N images in the order of the names train, the rest validate.
        valid_fraction: share of the groups that validate, where `first` is not given.
        group_by: regular expression searched in the file names; images in which it matches the same text (its first
            group, where it has one) stay on one side. Without it, and where it does not match, an image is a group.
        shards: record files a side.
        keep_negatives: write images without a wanted box too: those of the table and those of the images.csv beside it.
        strict: an image that cannot be read is an error, instead of being left out and counted.

    Raises:
        DetloopError: an input is not what it should be, an image's size is not the table's, or one side stays empty.
    """
    split = choose_split(first, valid_fraction, group_by)
    source = open_source(images)
    images_csv = images_csv_beside(detections) if keep_negatives else None
    survey = survey_tables(detections, images_csv, source, split)
    label_map = choose_classes(classes, detections, survey)
    tally, statistics = RecordsTally(), DatasetStatistics(label_map.names, ScoreRules())
    with _naming_output(output), write_folder_whole(output, OWN_NAMES) as folder:
        write_label_map(label_map, folder / "label_map.pbtxt")
        images_in_order = statistics.seeing(all_images(detections, survey.in_order, images_csv))
        with Progress("records", survey.images) as progress:
            candidates = _candidates(images_in_order, split, label_map.id_of_name, keep_negatives, tally, progress)
            _write_candidates(candidates, source, folder, shards, strict, tally, statistics)
        _check_sides(tally, folder, split, detections)
        summary = tally.summary(output, label_map.names, survey.boxes_of_class)
        write_report(statistics, summary.left_out(), source, folder / REPORT_FILE)
    return summary


@contextmanager
def _naming_output(output: Path) -> Iterator[None]:
    """A failed write (a full disk) does not say of which file: name the output."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(output)
        raise


class _Candidate(NamedTuple):
    """An image to write, when it can be read."""

    image: ImageDetections
    boxes: WantedBoxes
    group: str
    side: str


def _candidates(
    images: Iterable[ImageDetections],
    split: Split,
    id_of_name: dict[str, int],
    keep_negatives: bool,
    tally: RecordsTally,
    progress: Progress,
) -> Iterator[_Candidate]:
    for position, image in enumerate(images):
        boxes = wanted_boxes(image, id_of_name)
        tally.see(boxes)
        progress.update()
        if not boxes and not keep_negatives:
            tally.leave_out_without_boxes()
            continue
        group = split.group(image.filename)
        yield _Candidate(image, boxes, group, split.side(position, group))


def _example(candidate: _Candidate, source: ImageSource) -> bytes:
    """The candidate's record; raises ImageError when its image cannot be read."""
    name = candidate.image.filename
    encoded = encoded_image(source.read_bytes(name))
    _check_size(candidate.image, encoded)
    return image_example(name, encoded, candidate.boxes)


def _write_candidates(
    candidates: Iterable[_Candidate],
    source: ImageSource,
    folder: Path,
    shards: int,
    strict: bool,
    tally: RecordsTally,
    statistics: DatasetStatistics,
) -> None:
    """Writes the record files and split.csv, an image at a time: threads would wait for each other's Python code."""
    writers = {side: ShardedWriter(folder, side, shards) for side in (TRAIN, VALID)}
    with open_csv_for_writing(folder / SPLIT_FILE) as split_file:
        split_file.write(csv_text([SPLIT_COLUMNS]))
        for candidate in candidates:
            name = candidate.image.filename
            try:
                example = _example(candidate, source)
            except ImageError as error:
                if strict:
                    raise DetloopError(f"{source.path(name)}: {error}") from None
                tally.leave_out_unreadable(name, str(error))
                continue
            writers[candidate.side].write(example)
            split_file.write(csv_text([(name, candidate.group, candidate.side, len(candidate.boxes))]))
            tally.write(candidate.side, candidate.boxes)
            statistics.write(candidate.side, candidate.image, candidate.boxes)
    for writer in writers.values():
        writer.close()


def _check_size(image: ImageDetections, encoded: EncodedImage) -> None:
    if (image.width, image.height) != (encoded.width, encoded.height):
        where = f" (line {image.lines[0]} of the table)" if image.lines else ""
        raise DetloopError(
            f"{image.filename}: the image is {encoded.width}x{encoded.height} and the table says"
            f" {image.width}x{image.height}{where}; its boxes belong to another image or a resized one"
        )


def _check_sides(tally: RecordsTally, folder: Path, split: Split, detections: Path) -> None:
    written = tally.images_written
    if not written:
        why = f"; the first: {tally.first_unreadable}" if tally.first_unreadable else ""
        raise DetloopError(f"{detections}: no image is left to write{why}")
    for side in (TRAIN, VALID):
        if not tally.images_of(side):
            raise DetloopError(split.empty_side_advice(side, written, _groups_written(folder)))


def _groups_written(folder: Path) -> Iterator[str]:
    with open_csv_for_reading(folder / SPLIT_FILE, "split table") as file:
        for row in csv.DictReader(file):
            yield row["group"]
