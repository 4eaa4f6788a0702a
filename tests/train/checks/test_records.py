"""Records: what they hold against the label map, the config and what a loss can be made of."""

import math

import pytest

from detloop.labels import LabelMap
from detloop.train.checks.records import check_batch, check_box_weights, check_classes, check_records
from detloop.train.checks.survey import survey_side
from detloop.train.odapi.protos import new_pipeline_config
from tests.train.checks.configs import config
from tests.train.checks.made_records import example, good_folder, write_folder, write_shard


def findings_of(folder, **options):
    train = survey_side("train", folder.train, folder.label_map, **options)
    return check_records(train, survey_side("valid", folder.valid, folder.label_map), folder)


def test_good_records_have_no_findings(tmp_path):
    assert findings_of(good_folder(tmp_path)) == []


def test_images_without_boxes_are_good_records(tmp_path):
    empty = {f"bbox_{edge}": [] for edge in ("xmin", "ymin", "xmax", "ymax")}
    folder = write_folder(tmp_path, [example(), example(**empty, class_text=[], class_label=[])])
    assert findings_of(folder) == []


@pytest.mark.parametrize("classes", [{"class_text": []}, {"class_label": []}])
def test_class_names_or_ids_alone_are_enough(tmp_path, classes):
    assert findings_of(write_folder(tmp_path, [example(**classes)])) == []


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"bbox_xmax": [0.4, 1.2]}, "1 boxes reach out of their image"),
        ({"bbox_ymin": [-0.1, 0.5]}, "1 boxes reach out of their image"),
        ({"bbox_xmin": [10.0, 50.0]}, "2 boxes reach out of their image"),
        ({"bbox_xmin": [math.nan, 0.5]}, "1 boxes reach out of their image"),
        ({"bbox_xmin": [0.4, 0.5]}, "1 boxes have no area"),
        ({"bbox_ymin": [0.1, 0.95]}, "1 boxes have no area"),
        ({"bbox_ymin": [0.1]}, "another number of box edges than of classes"),
        ({"class_label": [1, 2, 2], "class_text": []}, "another number of box edges than of classes"),
        ({"class_text": [b"person"]}, "another number of class names than of class ids"),
        ({"class_text": [b"person", b"dog"]}, "1 boxes are of the class 'dog', which the label map lacks"),
        ({"class_text": [], "class_label": [1, 3]}, "1 boxes are of the class id 3, which the label map lacks"),
        ({"class_label": [2, 1]}, "1 boxes of class 'person' have id 2, in the label map it is 1"),
        ({"class_text": [1, 2]}, "1 records have image/object/class/text of another kind than bytes"),
        ({"bbox_xmin": [0, 0]}, "1 records have image/object/bbox/xmin of another kind than float"),
        ({"weight": [1.0]}, "1 records have another number of weights than of classes"),
        ({"encoded": []}, "1 records have no image"),
        ({"encoded": [b""]}, "1 records have no image"),
    ],
)
@pytest.mark.parametrize("side", ["train", "valid"])
def test_what_is_wrong_with_a_record_is_an_error_that_names_the_first(tmp_path, side, changes, what):
    wrong, good = [example(), example(filename=[b"b.jpg"], **changes)], [example()]
    folder = write_folder(tmp_path, *((wrong, good) if side == "train" else (good, wrong)))
    findings = findings_of(folder)
    text = "\n".join(map(str, findings))
    assert {finding.severity for finding in findings} == {"error"}
    assert what in text
    assert f"error: {folder.path}/{side}-*.record: " in text
    assert f"the first is in {side}-00000-of-00001.record, record 1 (b.jpg)" in text


def test_a_rounding_error_at_the_edge_is_no_error(tmp_path):
    assert findings_of(write_folder(tmp_path, [example(bbox_xmax=[0.4, 1.0000001])])) == []


def test_what_is_no_example_is_an_error(tmp_path):
    folder = write_folder(tmp_path, [b"\xff\xff no example", example()])
    (finding,) = findings_of(folder)
    assert "1 records are no tf.train.Example" in finding.what


@pytest.mark.parametrize("kept", [-3, 20])
def test_a_damaged_file_is_named(tmp_path, kept):
    folder = good_folder(tmp_path)
    folder.train[0].write_bytes(folder.train[0].read_bytes()[:kept])
    (finding,) = findings_of(folder)
    assert finding.severity == "error"
    assert finding.where == str(folder.train[0])


def test_damage_beyond_the_records_read_is_found_by_counting(tmp_path):
    folder = good_folder(tmp_path)
    folder.train[0].write_bytes(folder.train[0].read_bytes()[:-3])
    (finding,) = findings_of(folder, most_records=2)
    assert "is cut short" in finding.what


def test_many_damaged_files_are_counted(tmp_path):
    folder = good_folder(tmp_path)
    for index in range(6):
        (tmp_path / f"train-{index}.record").write_bytes(b"short")
    folder.train[:] = sorted(tmp_path.glob("train-?.record"))
    findings = findings_of(folder)
    assert len(findings) == 4
    assert "3 more files are damaged" in findings[-1].what


def test_without_train_records_there_is_nothing_to_learn(tmp_path):
    (finding,) = findings_of(write_folder(tmp_path, []))
    assert (finding.severity, finding.what) == ("error", "hold no record")


def test_without_boxes_there_is_nothing_to_learn(tmp_path):
    empty = {f"bbox_{edge}": [] for edge in ("xmin", "ymin", "xmax", "ymax")}
    (finding,) = findings_of(write_folder(tmp_path, [example(**empty, class_text=[], class_label=[])]))
    assert (finding.severity, finding.what) == ("error", "hold no box of a known class")


def test_without_valid_records_there_is_a_warning(tmp_path):
    (finding,) = findings_of(write_folder(tmp_path, [example()], valid=[]))
    assert finding.severity == "warning"
    assert "nothing will measure the training" in finding.what


def test_a_class_without_boxes_is_a_warning(tmp_path):
    folder = write_folder(tmp_path, [example()], label_map=LabelMap.of_names(["person", "car", "bus"]))
    (finding,) = findings_of(folder)
    assert finding.severity == "warning"
    assert "no train record has a box of 1 of its classes (bus)" in finding.what


def test_of_a_huge_set_the_first_records_of_each_file_are_read_and_this_is_said(tmp_path):
    folder = good_folder(tmp_path)
    wrong_later = [example() for _ in range(5)] + [example(encoded=[])] * 5
    folder.train[:] = [write_shard(tmp_path / f"train-{index}.record", wrong_later) for index in range(3)]
    train = survey_side("train", folder.train, folder.label_map, most_records=15)
    assert (train.records, train.read) == (30, 15)
    (note,) = findings_of(folder, most_records=15)
    assert note.severity == "note"
    assert note.what == "15 records of 30 were looked at, the first of each of 3 files"


def test_the_config_must_count_the_label_maps_classes(tmp_path):
    folder = good_folder(tmp_path)
    assert check_classes(config(), folder) == []
    (finding,) = check_classes(config("model.ssd.num_classes=90"), folder)
    assert finding.what == f"num_classes is 90, but {folder.label_map_path} has 2 classes"
    assert finding.advice == "--set model.ssd.num_classes=2"


def test_ids_with_gaps_do_not_fit_the_class_count(tmp_path):
    folder = write_folder(tmp_path, [example(class_label=[1, 5])], label_map=LabelMap({1: "person", 5: "car"}))
    (finding,) = check_classes(config(), folder)
    assert "its 2 classes have ids up to 5" in finding.what


def test_fewer_records_than_a_batch_are_a_warning(tmp_path):
    folder = write_folder(tmp_path, [example() for _ in range(3)])
    train = survey_side("train", folder.train, folder.label_map)
    assert check_batch(config("train_config.batch_size=3"), train, folder) == []
    (finding,) = check_batch(config("train_config.batch_size=4"), train, folder)
    assert finding.severity == "warning"
    assert "3 records are fewer than a batch of 4" in finding.what


def test_more_boxes_than_the_reader_takes_are_a_warning(tmp_path):
    folder = good_folder(tmp_path)
    train = survey_side("train", folder.train, folder.label_map)
    (finding,) = check_batch(config("train_input_reader.max_number_of_boxes=1"), train, folder)
    assert finding.advice == "--set train_input_reader.max_number_of_boxes=2"


def test_center_net_cannot_learn_from_boxes_of_a_low_weight(tmp_path):
    folder = write_folder(tmp_path, [example(weight=[1.0, 0.0]), example(weight=[0.5, 1.0])])
    train = survey_side("train", folder.train, folder.label_map)
    center_net = new_pipeline_config()
    center_net.model.center_net.num_classes = 2
    assert check_box_weights(config(), train, folder) == []
    (finding,) = check_box_weights(center_net, train, folder)
    assert finding.severity == "error"
    assert "2 boxes of a weight below 1, which CenterNet takes for background" in str(finding)
    sure = write_folder(tmp_path / "sure", [example(weight=[1.0, 1.0])])
    assert check_box_weights(center_net, survey_side("train", sure.train, sure.label_map), sure) == []
