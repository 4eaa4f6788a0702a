"""The records step: stream through the table once, copy each image's bytes into the record file of its side."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from detloop.csv_rows import csv_text, open_csv_for_reading, open_csv_for_writing
from detloop.detections import ImageDetections, read_detections
from detloop.errors import DetloopError, ImageError
from detloop.images import ImageSource, open_source
from detloop.labels import ClassMap, parse_class_map, write_label_map
from detloop.progress import Progress
from detloop.records.candidates import Candidate, Candidates, counted_boxes
from detloop.records.classes import check_producible, choose_classes, renamed
from detloop.records.encoded import EncodedImage, encoded_image
from detloop.records.features import box_features, image_example
from detloop.records.groups import ByColumn, ByPattern, Grouping, choose_grouping
from detloop.records.judged import JudgedImages
from detloop.records.negatives import check_negative_ratio
from detloop.records.report import Counts, DatasetStatistics, ScoreRules, write_report
from detloop.records.shards import ShardedWriter
from detloop.records.split import TRAIN, VALID, Split, choose_split
from detloop.records.static_boxes import find_static_boxes
from detloop.records.summary import REPORT_FILE, RecordsSummary, RecordsTally
from detloop.records.table import all_images, images_csv_beside, survey_tables
from detloop.records.trust import Trust
from detloop.records.trust_choice import TrustOptions, choose_trust
from detloop.store import write_folder_whole

SPLIT_FILE, SPLIT_COLUMNS = "split.csv", ("filename", "group", "split", "boxes")
OWN_NAMES = r"(train|valid)-\d+-of-\d+\.record|label_map\.pbtxt|split\.csv|report\.html"


def write_records(
    *,
    detections: Path,
    images: str,
    output: Path,
    classes: Sequence[str] | None = None,
    class_map: str | None = None,
    teacher_label_map: Path | None = None,
    first: int | None = None,
    valid_fraction: float = 0.2,
    group_by: str | None = None,
    group_by_time: int | None = None,
    group_by_column: str | None = None,
    manifest: Path | None = None,
    near_duplicates: str = "off",
    shards: int = 1,
    keep_negatives: bool = False,
    negative_ratio: float | None = None,
    threshold: str | None = None,
    choose_thresholds: str | None = None,
    f_beta: float = 1.0,
    ignore_from: float | None = None,
    score_weights: bool = False,
    static_boxes: str = "off",
    strict: bool = False,
) -> RecordsSummary:
    """Writes train and valid TFRecords, label_map.pbtxt, split.csv and report.html into a folder, whole or not at all.

    Images go in the order of their names, round robin over the shards of their side. The time is linear in the images
    and the memory constant when the table is in that order, as `detloop detect` writes it.

    Args:
        detections: the table to learn from; a box without a score counts as one of score 1.
        images: URI of the images that the table names.
        output: the folder; replaced as a whole when it holds an earlier run's files.
        classes: names wanted; their ids are 1, 2, ... in this order. Default: all names in the table but N/A, sorted.
        class_map: new names for the table's classes, as `motorcycle=vehicle,car=vehicle`; all else, `classes` and
            `threshold` too, speaks of the new ones.
        teacher_label_map: the label map of the detector that wrote the table, to check the names against.
        first: the first N images in the order of the names train, the rest validate.
        valid_fraction: share of the groups that validate, where `first` is not given.
        group_by: regular expression searched in the file names; images in which it matches the same text (its first
            group, where it has one) stay on one side. Without it, and where it does not match, an image is a group.
        group_by_time: for frames of a film: so many consecutive images, in the order of the names, are a group.
        group_by_column, manifest: images with one value in this column of a CSV, which has a column `filename` too, are
            a group. An empty value is none.
        near_duplicates: `report` valid images that look like train images, `move` their groups to train, or `off`.
            Decodes every image; holds about 200 bytes an image.
        shards: record files a side.
        keep_negatives: write images without a wanted box too: those of the table and those of the images.csv beside it.
            An image that has boxes to ignore but no object is no negative; it is left out.
        negative_ratio: of these at most so many on each side for each of its images with an object, evenly spread.
        threshold: boxes with a score above it are learned: `0.5`, or one a class as `person=0.6,car=0.4`. Without it
            every box counts.
        choose_thresholds: choose them instead: `scores` for the valley between each class's low and high scores, or a
            labelled CSV for the best F-beta on its images.
        f_beta: how many times as much recall weighs as precision in that choice.
        ignore_from: boxes from this score up to their class's threshold are neither object nor background.
        score_weights: an object counts in the loss as much as its score says.
        static_boxes: `report` or `drop` boxes at one place in most images of a size, or of a group of one size; `off`.
        strict: an image that cannot be read is an error, instead of being left out and counted.

    Raises:
        DetloopError: an input is not what it should be, an image's size is not the table's, or one side stays empty.
    """
    grouping = choose_grouping(group_by, group_by_time, group_by_column, manifest)
    split = choose_split(first, valid_fraction, grouping)
    trust_options = TrustOptions(threshold, choose_thresholds, f_beta, ignore_from, score_weights)
    _check_choice("--near-duplicates", near_duplicates, ("report", "move", "off"))
    _check_choice("--static-boxes", static_boxes, ("report", "drop", "off"))
    check_negative_ratio(negative_ratio, keep_negatives)
    names = parse_class_map(class_map) if class_map is not None else ClassMap({})
    if teacher_label_map is not None:
        check_producible(teacher_label_map, names, classes)
    source = open_source(images)
    images_csv = images_csv_beside(detections) if keep_negatives else None
    survey = survey_tables(detections, images_csv, source, grouping).renamed(names)
    label_map = choose_classes(classes, detections, survey)
    ids = label_map.id_of_name

    def read_table() -> Iterator[ImageDetections]:
        return renamed(read_detections(detections, survey.in_order), names)

    def read_all() -> Iterator[ImageDetections]:
        everything = renamed(all_images(detections, survey.in_order, images_csv), names)
        return static.without(everything) if static is not None and static_boxes == "drop" else everything

    trust = choose_trust(trust_options, label_map.names, names, read_table)
    static = None
    if static_boxes != "off":
        static = find_static_boxes(lambda: counted_boxes(read_table(), ids, trust), _scene_group(grouping))
    candidates = Candidates(read_all, split, ids, trust, keep_negatives, None, negative_ratio)
    if near_duplicates != "off":
        near = candidates.look_for_near_duplicates(source, move=near_duplicates == "move")
        candidates = replace(candidates, near_duplicates=near)
    tally, statistics = RecordsTally(), DatasetStatistics(label_map.names, _score_rules(trust))
    with _naming_output(output), write_folder_whole(output, OWN_NAMES) as folder:
        write_label_map(label_map, folder / "label_map.pbtxt")
        with Progress("records", survey.images) as progress:
            to_write = candidates.to_write(tally, progress, statistics)
            _write_candidates(to_write, source, folder, shards, strict, tally, statistics)
        _check_sides(statistics.counts, tally.first_unreadable, folder, split, detections)
        summary = tally.summary(
            output=output,
            classes=label_map.names,
            written=statistics.counts,
            present=survey.boxes_of_class,
            trust=trust,
            near_duplicates=candidates.near_duplicates,
            static_boxes=static.found if static is not None else None,
            static_boxes_dropped=static_boxes == "drop",
        )
        write_report(statistics, summary.left_out(), source, folder / REPORT_FILE)
    return summary


def _score_rules(trust: Trust) -> ScoreRules:
    return ScoreRules(
        thresholds={one.class_name: one.threshold for one in trust.thresholds},
        reasons={one.class_name: one.reason for one in trust.thresholds},
        ignore_from=trust.ignore_from,
    )


def _check_choice(option: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise DetloopError(f"{option} {value!r}: give one of {', '.join(choices)}")


def _scene_group(grouping: Grouping | None) -> Callable[[str], str]:
    """The group of an image that says which camera saw it: one by its name or by the manifest, not one by time."""
    if isinstance(grouping, ByPattern | ByColumn):
        return lambda filename: grouping.group(0, filename) or ""
    return lambda filename: ""


@contextmanager
def _naming_output(output: Path) -> Iterator[None]:
    """A failed write (a full disk) does not say of which file: name the output."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(output)
        raise


def _write_candidates(
    candidates: Iterable[Candidate],
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
        read = source.read_ahead(candidates, attrgetter("filename"))
        for judged, read_of_judged in groupby(read, key=lambda pair: pair[0].judged):
            of_boxes, rows = list(box_features(judged.boxes.wanted, statistics.classes)), []
            for (_, row, filename), read_bytes in read_of_judged:
                try:
                    example = _example(judged.images[row], read_bytes, of_boxes[row])
                except ImageError as error:
                    _leave_out(filename, error, source, strict, tally)
                    continue
                writers[judged.sides[row]].write(*example)
                rows.append(row)
            split_file.write(csv_text(_split_rows(judged, rows)))
            statistics.write(judged, rows)
    for writer in writers.values():
        writer.close()


def _leave_out(filename: str, error: ImageError, source: ImageSource, strict: bool, tally: RecordsTally) -> None:
    if strict:
        raise DetloopError(f"{source.root}/{filename}: {error}") from None
    tally.leave_out_unreadable(filename, str(error))


def _example(image: ImageDetections, read_bytes: Callable[[], bytes], of_boxes: bytes) -> tuple[bytes, ...]:
    """The image's record, in pieces; raises ImageError when the image cannot be read."""
    encoded = encoded_image(read_bytes())
    _check_size(image, encoded)
    return image_example(image.filename, encoded, of_boxes)


def _split_rows(judged: JudgedImages, rows: Sequence[int]) -> Iterator[tuple[str, str, str, int]]:
    objects = judged.boxes.wanted.count_by_image(~judged.boxes.wanted.is_ignored).tolist()
    return ((judged.images[row].filename, judged.groups[row], judged.sides[row], objects[row]) for row in rows)


def _check_size(image: ImageDetections, encoded: EncodedImage) -> None:
    if (image.width, image.height) != (encoded.width, encoded.height):
        where = f" (line {image.lines[0]} of the table)" if image.lines else ""
        raise DetloopError(
            f"{image.filename}: the image is {encoded.width}x{encoded.height} and the table says"
            f" {image.width}x{image.height}{where}; its boxes belong to another image or a resized one"
        )


def _check_sides(counts: Counts, first_unreadable: str, folder: Path, split: Split, detections: Path) -> None:
    written = int(counts.images.sum())
    if not written:
        why = f"; the first: {first_unreadable}" if first_unreadable else ""
        raise DetloopError(f"{detections}: no image is left to write{why}")
    for side, images in zip((TRAIN, VALID), counts.images.tolist(), strict=True):
        if not images:
            raise DetloopError(split.empty_side_advice(side, written, _groups_written(folder)))


def _groups_written(folder: Path) -> Iterator[str]:
    with open_csv_for_reading(folder / SPLIT_FILE, "split table") as file:
        for row in csv.DictReader(file):
            yield row["group"]
