"""Label maps as the Object Detection API's users write them, and what is wrong with some."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detloop.errors import DetloopError
from detloop.labels import LabelMap, parse_class_map, read_label_map, write_label_map


def label_map(folder: Path, text: str) -> LabelMap:
    path = folder / "map.pbtxt"
    path.write_text(text, encoding="utf-8")
    return read_label_map(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("item { id: 1 name: 'person' }", {1: "person"}),
        ('item {\n  name: "/m/01g317"\n  id: 1\n  display_name: "person"\n}\n', {1: "person"}),
        ("item { id: 1 name: 'a' }\nitem { id: 90 name: 'b' }", {1: "a", 90: "b"}),
        ("# pets\nitem { id: 2, name: 'cat' }\nitem: { id: 1; name: 'dog' }", {2: "cat", 1: "dog"}),
        ("item { id: 1 display_name: 'Fußgänger' }", {1: "Fußgänger"}),
        ("item { id: 0 name: 'background' } item { id: 1 name: 'person' }", {1: "person"}),
        ("item { id: 1 name: 'a' frequency: COMMON keypoints { id: 1 label: 'eye' } }", {1: "a"}),
        ("\ufeffitem { id: 1 name: 'saved with a byte-order mark' }", {1: "saved with a byte-order mark"}),
    ],
)
def test_items_are_read(tmp_path: Path, text: str, expected: dict[int, str]) -> None:
    assert label_map(tmp_path, text).name_of_id == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the label map has no item"),
        ("item { id: 0 name: 'background' }", "the label map has no item but the background"),
        ("item { name: 'person' }", "item 1 ('person') has no id; give it one of 1 or more"),
        ("item { id: 1 }", "item 1 has neither a name nor a display_name"),
        ("item { id: 0 name: 'person' }", "item 1 ('person') has id 0; ids start at 1"),
        ("item { id: -3 name: 'person' }", "has id -3; ids start at 1"),
        ("item { id: 1 name: 'a' } item { id: 1 name: 'b' }", "id 1 is given to both 'a' and 'b'"),
        ("item { id: 1 name: 'a' } item { id: 2 name: 'a' }", "the name 'a' is given to two ids"),
        ("person\ncar\n", "not a label map"),
        ("item { id: 'one' name: 'a' }", "not a label map"),
        ('{"1": "person"}', "not a label map"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DetloopError) as caught:
        label_map(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'map.pbtxt'}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_text_or_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "map.pbtxt").write_bytes(b"\x89PNG\xff\xfe")
    for path, message in (
        (tmp_path / "map.pbtxt", "not a label map"),
        (tmp_path / "none.pbtxt", "no such label map"),
        (tmp_path, "is a folder"),
    ):
        with pytest.raises(DetloopError, match=message):
            read_label_map(path)


def test_classes_are_found_by_id_and_by_name() -> None:
    labels = LabelMap({90: "toothbrush", 1: "person"})
    assert (labels.class_name(90), labels.class_name(2)) == ("toothbrush", "N/A")
    assert labels.names == ["person", "toothbrush"]
    assert labels.id_of_name == {"person": 1, "toothbrush": 90}
    assert LabelMap.of_names(["car", "bus"]).name_of_id == {1: "car", 2: "bus"}


@given(names=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, unique=True))
def test_a_map_that_was_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    path = tmp_path_factory.getbasetemp() / "written.pbtxt"
    write_label_map(LabelMap.of_names(names), path)
    assert read_label_map(path) == LabelMap.of_names(names)


def test_a_class_map_renames_many_to_one_and_leaves_the_rest() -> None:
    class_map = parse_class_map("motorcycle=vehicle, car = vehicle,vehicle=vehicle")
    assert [class_map.new_name(name) for name in ("car", "motorcycle", "vehicle", "dog")] == [*["vehicle"] * 3, "dog"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a=b,b=c", "renames 'a' to 'b' and 'b' to 'c'"),
        ("a=b,b=a", "renames 'a' to 'b' and 'b' to 'a'"),
        ("a=b,a=c", "gives 'a' two names, 'b' and 'c'"),
        ("a", "'a': give OLD=NEW"),
        ("a=b,", "'': give OLD=NEW"),
        ("=b", "'=b': give OLD=NEW"),
    ],
)
def test_a_class_map_that_overlaps_goes_in_circles_or_is_none(text: str, message: str) -> None:
    with pytest.raises(DetloopError, match=message):
        parse_class_map(text)
