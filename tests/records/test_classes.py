"""Classes under new names, and whether a teacher can produce them."""

from pathlib import Path

import pytest

from detloop.errors import DetloopError
from detloop.labels import LabelMap, read_label_map, write_label_map
from detloop.records import write_records
from tests.drawn import draw_image
from tests.records.read_back import all_examples, values
from tests.tables import row, write_csv

BOX = (10, 8, 50, 40)
NAMES = {"a.jpg": "car", "b.jpg": "motorcycle", "c.jpg": "dog", "d.jpg": "car"}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    for name in NAMES:
        draw_image(tmp_path / "images" / name, [BOX])
    return write_csv(tmp_path / "detections.csv", [row(name, BOX, label) for name, label in NAMES.items()])


def test_classes_are_renamed_before_they_are_wanted_and_judged(tmp_path: Path, table: Path) -> None:
    summary = write_records(
        detections=table,
        images=str(tmp_path / "images"),
        output=tmp_path / "out",
        classes=["vehicle"],
        class_map="motorcycle=vehicle,car=vehicle",
        threshold="vehicle=0.5",
        first=1,
    )
    assert read_label_map(tmp_path / "out" / "label_map.pbtxt").name_of_id == {1: "vehicle"}
    texts = [values(example, "image/object/class/text") for example in all_examples(tmp_path / "out").values()]
    assert texts == [[b"vehicle"]] * 3
    assert (summary.boxes_of_class, summary.unwanted_boxes) == ({"vehicle": 3}, {"dog": 1})


def test_all_classes_are_those_after_renaming(tmp_path: Path, table: Path) -> None:
    summary = write_records(
        detections=table, images=str(tmp_path / "images"), output=tmp_path / "out", class_map="dog=animal", first=1
    )
    assert summary.classes == ("animal", "car", "motorcycle")


@pytest.mark.parametrize(
    ("classes", "class_map", "message"),
    [
        (["vehicle"], "lorry=vehicle", "--map renames 'lorry', which .* lacks; it has car, dog"),
        (["vehicle"], None, "--classes wants 'vehicle', which the teacher cannot produce: .* gives car, dog"),
        (["car", "vehicle"], "car=vehicle", "--classes wants 'car', .* gives vehicle, dog"),
    ],
)
def test_a_class_that_the_teacher_cannot_produce(
    tmp_path: Path, table: Path, classes: list[str], class_map: str | None, message: str
) -> None:
    teacher = tmp_path / "teacher.pbtxt"
    write_label_map(LabelMap.of_names(["car", "dog"]), teacher)
    with pytest.raises(DetloopError, match=message):
        write_records(
            detections=table,
            images=str(tmp_path / "images"),
            output=tmp_path / "out",
            classes=classes,
            class_map=class_map,
            teacher_label_map=teacher,
        )


def test_a_class_that_the_teacher_knows_may_have_no_box(tmp_path: Path, table: Path) -> None:
    teacher = tmp_path / "teacher.pbtxt"
    write_label_map(LabelMap.of_names(["car", "dog", "zebra"]), teacher)
    summary = write_records(
        detections=table,
        images=str(tmp_path / "images"),
        output=tmp_path / "out",
        classes=["car", "zebra"],
        teacher_label_map=teacher,
        first=1,
    )
    assert summary.missing_classes == ("zebra",)
