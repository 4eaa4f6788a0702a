"""TFRecords from detections as a pipeline step."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def records(
    images: str,
    detections: dsl.Input[dsl.Dataset],
    records: dsl.Output[dsl.Dataset],
    label_map: dsl.Output[dsl.Artifact],
    page: dsl.Output[dsl.HTML],
    classes: str = "",
    first: int = 0,
    valid_fraction: float = 0.2,
    group_by: str = "",
    keep_negatives: bool = False,
) -> None:
    """Write train and valid TFRecords from detections and images.

    Args:
        images: Where the images lie.
        detections: A folder with detections.csv and images.csv.
        classes: Classes wanted, as person,car; empty for all.
        first: The first so many images train, the rest validate; 0 to split by hash instead.
        valid_fraction: Share of the images that validates.
        group_by: Regular expression; images whose names match with the same text stay on one side.
        keep_negatives: Whether images without any wanted box are written too.

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
    )
    shutil.copyfile(folder / "label_map.pbtxt", label_map.path)
    shutil.copyfile(folder / "report.html", page.path)
    records.metadata.update(summary.metadata())
    print(summary)
