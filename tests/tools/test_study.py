"""The study of labels: its rows, and how it keeps what it has measured."""

import json
import sys
from dataclasses import replace

import pytest

from demo.demo import DEMO
from detloop.train.odapi.config import read_config, set_fields
from tools import study
from tools.study_rows import RECIPE, ROWS

MEASURED = study.Measured(
    labels_ap50=0.88, labels_seconds=91.4, boxes=1331, student_ap50=0.8219, student_ap=0.31, train_seconds=312.0
)


@pytest.fixture
def output(tmp_path, monkeypatch):
    monkeypatch.setattr(study, "OUTPUT", tmp_path)
    return tmp_path


def keep(row):
    study.result_path(row).parent.mkdir(parents=True)
    study.write_result(row, MEASURED)


def test_rows_bear_their_names_and_each_is_another_experiment():
    assert all(name == row.name for name, row in ROWS.items())
    experiments = [json.dumps(study.settings(row)) for row in ROWS.values()]
    assert len(set(experiments)) == len(ROWS)


@pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row.name)
def test_what_a_row_changes_in_the_demos_config_can_be_changed(row):
    config = read_config(DEMO / "pipeline.config")
    before = config.SerializeToString()
    set_fields(config, row.overrides)
    assert (config.SerializeToString() != before) == bool(row.overrides)


def test_what_was_measured_is_kept_until_the_row_changes(output):
    assert study.read_result(RECIPE) is None
    keep(RECIPE)
    assert study.read_result(RECIPE) == MEASURED
    assert study.read_result(replace(RECIPE, says="in other words")) == MEASURED
    assert study.read_result(replace(RECIPE, steps=RECIPE.steps + 1)) is None


def test_the_table_has_the_rows_that_were_measured(output):
    keep(RECIPE)
    head, rule, *lines = study.write_table().splitlines()
    assert lines == [f"| recipe | {RECIPE.says} | 200 | 0.880 | 1331 | **0.822** | 0.310 | 91 | 312 |"]
    assert head.count("|") == rule.count("|") == lines[0].count("|")
    assert (output / "table.md").read_text().splitlines()[2:] == lines


def test_a_folder_is_made_once_and_anew_when_that_was_cut_off(tmp_path):
    folder, made = tmp_path / "labels", []

    def make(path):
        made.append(sorted(each.name for each in path.iterdir()))
        (path / "half").write_text("")
        if len(made) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        study.once(folder, make)
    seconds = study.once(folder, make)
    assert study.once(folder, make) == seconds
    assert made == [[], []]


def test_the_boxes_of_the_train_side_are_counted(tmp_path):
    (tmp_path / "records").mkdir()
    split = "filename,group,split,boxes\n000301.jpg,a,train,4\n000302.jpg,b,valid,3\n000303.jpg,c,train,5\n"
    (tmp_path / "records" / "split.csv").write_text(split)
    assert study.boxes_learned(tmp_path) == 9


def test_labels_of_frames_that_are_learned_from_are_refused(output, tmp_path, monkeypatch, capsys):
    labels = tmp_path / "labels.csv"
    labels.write_text("filename,width,height,class,xmin,ymin,xmax,ymax\n000301.jpg,768,576,person,1,2,30,80\n")
    monkeypatch.setattr(sys, "argv", ["study", "--labels", str(labels)])
    assert study.main() == 1
    assert "labels 000301.jpg, which is none of the frames 1 to 300" in capsys.readouterr().err


def test_an_unknown_row_is_named_with_those_there_are(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["study", "--labels", "labels.csv", "recipes"])
    assert study.main() == 2
    assert "no row recipes; there are recipe, as-before" in capsys.readouterr().err
