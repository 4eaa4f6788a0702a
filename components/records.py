"""TFRecords from detections as a pipeline step."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def records(
    images: str,
    detections: dsl.Input[dsl.Dataset],
    teacher_label_map: dsl.Input[dsl.Artifact],
    records: dsl.Output[dsl.Dataset],
    label_map: dsl.Output[dsl.Artifact],
    page: dsl.Output[dsl.HTML],
    classes: str = "",
    first: int = 0,
    valid_fraction: float = 0.2,
    group_by: str = "",
    keep_negatives: bool = False,
    class_map: str = "",
    threshold: float = 0.0,
    label_threshold: str = "",
    choose_thresholds: str = "",
    f_beta: float = 1.0,
    ignore_from: float = 0.0,
    score_weights: bool = False,
    negative_ratio: float = -1.0,
    group_by_time: int = 0,
    group_by_column: str = "",
    manifest: str = "",
    near_duplicates: str = "off",
    static_boxes: str = "off",
    labels_version: str = "",
) -> None:
    """Write train and valid TFRecords from detections and images.

    Args:
        images: Where the images lie.
        detections: A folder with detections.csv and images.csv.
        teacher_label_map: The label map of the detector, to check the classes against.
        classes: Classes wanted, as person,car; empty for all.
        first: The first so many images train, the rest validate; 0 to split by hash instead.
        valid_fraction: Share of the images that validates.
        group_by: Regular expression; images whose names match with the same text stay on one side.
        keep_negatives: Whether images without any wanted box are written too.
        class_map: New names for classes, as motorcycle=vehicle,car=vehicle.
        threshold: Boxes with a score above this are learned; 0 for all, unless thresholds are given or chosen.
        label_threshold: The same by class, as person=0.6,car=0.4.
        choose_thresholds: "scores" to choose thresholds from the scores, or a labelled CSV for its best F-beta.
        f_beta: How many times as much recall weighs as precision in that choice.
        ignore_from: Boxes from this score up to the threshold are neither object nor background; 0 for no such band.
        score_weights: Whether an object counts in the loss as much as its score.
        negative_ratio: Images without a box for each image with one, at most; below 0 for all.
        group_by_time: So many consecutive frames stay on one side; 0 for no blocks.
        group_by_column: Images with one value in this column of the manifest stay on one side.
        manifest: A CSV with the columns filename and that one.
        near_duplicates: "report" valid images that look like train images, "move" them to train, or "off".
        static_boxes: "report" boxes at one place in most images, "drop" them, or "off".
        labels_version: Anything that changes when the labelled CSV or the manifest do.

    Returns:
        records: A folder with train-*.record, valid-*.record, label_map.pbtxt, split.csv and report.html.
        label_map: The label map of the wanted classes, ids from 1 in their order.
        page: The report: what the records hold, how certain it is, and what was left out.
    """
    import shutil
    from pathlib import Path

    from detloop.records import write_records

    folder = Path(records.path)
    summary = write_records(
        detections=Path(detections.path) / "detections.csv",
        images=images,
        output=folder,
        classes=[name.strip() for name in classes.split(",")] if classes else None,
        first=int(first) or None,
        valid_fraction=valid_fraction,
        group_by=group_by or None,
        keep_negatives=keep_negatives,
        class_map=class_map or None,
        teacher_label_map=Path(teacher_label_map.path),
        threshold=None if choose_thresholds else label_threshold or (str(threshold) if threshold else None),
        choose_thresholds=choose_thresholds or None,
        f_beta=f_beta,
        ignore_from=ignore_from or None,
        score_weights=score_weights,
        negative_ratio=negative_ratio if negative_ratio >= 0 else None,
        group_by_time=int(group_by_time) or None,
        group_by_column=group_by_column or None,
        manifest=Path(manifest) if manifest else None,
        near_duplicates=near_duplicates,
        static_boxes=static_boxes,
    )
    shutil.copyfile(folder / "label_map.pbtxt", label_map.path)
    shutil.copyfile(folder / "report.html", page.path)
    records.metadata.update(summary.metadata())
    print(summary)
