"""What an evaluation reads of records."""

from pathlib import Path

from detloop.evaluate.ground_truth import read_labelled_images, valid_record_files
from detloop.labels import read_label_map
from detloop.records import write_records
from tests.drawn import draw_image
from tests.tables import row, write_csv

BOX, OTHER = (10, 8, 50, 40), (1, 1, 9, 9)


def test_uncertain_boxes_are_read_as_boxes_to_ignore(tmp_path: Path) -> None:
    rows = []
    for name in "ab":
        draw_image(tmp_path / "images" / f"{name}.png", [BOX])
        rows += [row(f"{name}.png", OTHER, score=0.3), row(f"{name}.png", BOX, score=0.9)]
    write_records(
        detections=write_csv(tmp_path / "detections.csv", rows),
        images=str(tmp_path / "images"),
        output=tmp_path / "records",
        first=1,
        threshold="0.5",
        ignore_from=0.2,
    )
    label_map = read_label_map(tmp_path / "records" / "label_map.pbtxt")
    (file,) = valid_record_files(tmp_path / "records")
    (labelled,) = read_labelled_images(file, label_map)
    assert labelled.truth.is_ignored == (False, True)
    assert labelled.truth.boxes_px.round(4).tolist() == [list(BOX), list(OTHER)]
