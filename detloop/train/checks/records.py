"""Checks of the records: readable, of the label map's classes, with boxes that a loss can be made of."""

from collections.abc import Iterator

from detloop.train.checks.findings import Finding
from detloop.train.checks.survey import Survey
from detloop.train.odapi.config import PipelineConfig, architecture_of
from detloop.train.settings import RecordsFolder

SHOWN = 3
WRITE_AGAIN = "write the records again with `detloop records`"


def check_records(train: Survey, valid: Survey, records: RecordsFolder) -> list[Finding]:
    """What is wrong with the records themselves, whatever the config says."""
    findings = [*_contents(train, records), *_contents(valid, records)]
    if not train.damaged and not train.records:
        findings.append(Finding("error", _where(train, records), "hold no record", WRITE_AGAIN))
    elif train.read and not train.boxes_of_class:
        findings.append(Finding("error", _where(train, records), "hold no box of a known class", WRITE_AGAIN))
    if not valid.damaged and not valid.records:
        advice = "give `detloop records` a larger --valid-fraction"
        where = _where(valid, records)
        findings.append(Finding("warning", where, "hold no record, so nothing will measure the training", advice))
    findings += _missing_classes(train, records)
    return findings


def _where(survey: Survey, records: RecordsFolder) -> str:
    return f"{records.path}/{survey.side}-*.record"


def _contents(survey: Survey, records: RecordsFolder) -> Iterator[Finding]:
    where = _where(survey, records)
    for reason in survey.damaged[:SHOWN]:
        path, _, what = reason.partition(": ")
        yield Finding("error", path, what)
    if len(survey.damaged) > SHOWN:
        yield Finding("error", where, f"{len(survey.damaged) - SHOWN} more files are damaged", WRITE_AGAIN)
    for what, problem in sorted(survey.problems.items(), key=lambda item: -item[1].count):
        yield Finding("error", where, f"{problem.count} {what}; the first is in {problem.first}", WRITE_AGAIN)
    if not survey.is_complete and not survey.damaged:
        total = f"of {survey.records}" if survey.is_counted else "(the others were not counted)"
        what = f"{survey.read} records {total} were looked at, the first of each of {len(survey.files)} files"
        yield Finding("note", where, what)


def _missing_classes(train: Survey, records: RecordsFolder) -> Iterator[Finding]:
    if not train.boxes_of_class or not train.is_complete:
        return
    missing = [name for class_id, name in records.label_map.name_of_id.items() if class_id not in train.boxes_of_class]
    if missing:
        shown = ", ".join(missing[:SHOWN]) + (", ..." if len(missing) > SHOWN else "")
        what = f"no train record has a box of {len(missing)} of its classes ({shown})"
        yield Finding("warning", str(records.label_map_path), what, "they cannot be learnt")


def check_classes(config: PipelineConfig, records: RecordsFolder) -> list[Finding]:
    """Whether the config's class count is that of the label map, and its ids are 1 to that count."""
    count, ids = architecture_of(config).num_classes, sorted(records.label_map.name_of_id)
    path = str(records.label_map_path)
    if count != len(ids):
        what = f"num_classes is {count}, but {path} has {len(ids)} classes"
        return [Finding("error", "config", what, f"--set model.{_kind(config)}.num_classes={len(ids)}")]
    if ids[-1] > count:
        what = f"its {count} classes have ids up to {ids[-1]}; the API takes ids 1 to {count} only"
        return [Finding("error", path, what, WRITE_AGAIN)]
    return []


def check_batch(config: PipelineConfig, train: Survey, records: RecordsFolder) -> list[Finding]:
    """Whether the train records fill a batch, and a batch's boxes fit."""
    findings = []
    batch_size, most_boxes = config.train_config.batch_size, config.train_input_reader.max_number_of_boxes
    if train.is_counted and 0 < train.records < batch_size:
        what = f"{train.records} records are fewer than a batch of {batch_size}, so every batch repeats some"
        findings.append(Finding("warning", _where(train, records), what, "give a smaller --batch-size"))
    if train.most_boxes > most_boxes:
        what = f"is {most_boxes}, but a record has {train.most_boxes} boxes; those beyond are taken for background"
        advice = f"--set train_input_reader.max_number_of_boxes={train.most_boxes}"
        findings.append(Finding("warning", "train_input_reader.max_number_of_boxes", what, advice))
    return findings


def check_box_weights(config: PipelineConfig, train: Survey, records: RecordsFolder) -> list[Finding]:
    """Whether the model can learn from boxes of a weight below 1.

    CenterNet multiplies the peak of an object's heat map by its weight, and its loss takes for an object only what
    peaks at 1. Source: object_detection/utils/target_assigner_utils.py, coordinates_to_heatmap, and core/losses.py,
    PenaltyReducedLogisticFocalLoss.
    """
    if _kind(config) != "center_net" or not train.weighted_boxes:
        return []
    what = f"have {train.weighted_boxes} boxes of a weight below 1, which CenterNet takes for background"
    advice = "write them again without --score-weights and --ignore-from, or train an SSD or a Faster R-CNN"
    return [Finding("error", _where(train, records), what, advice)]


def _kind(config: PipelineConfig) -> str:
    return str(config.model.WhichOneof("model"))
