"""What the records and the command line fill into a config, and what is refused."""

from pathlib import Path

import pytest

from detloop.errors import DetloopError
from detloop.train.odapi.config import read_config
from detloop.train.settings import checkpoint_to_start_from, fill_in, open_records_folder
from tests.train.tiny_configs import draw_records, write_ssd_config


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> Path:
    return draw_records(tmp_path_factory.mktemp("drawn"))


@pytest.fixture
def config(tmp_path):
    return read_config(write_ssd_config(tmp_path, "tf1"))


def test_the_records_give_paths_and_class_count(config, records):
    fill_in(config, open_records_folder(records), steps=None, batch_size=None)
    assert config.model.ssd.num_classes == 1
    assert config.train_config.num_steps == 30
    assert config.train_config.batch_size == 4
    reader = config.train_input_reader
    assert reader.label_map_path == str(records / "label_map.pbtxt")
    assert list(reader.tf_record_input_reader.input_path) == [str(records / "train-00000-of-00001.record")]
    valid = config.eval_input_reader[0].tf_record_input_reader.input_path
    assert list(valid) == [str(records / "valid-00000-of-00001.record")]


def test_the_command_line_gives_steps_and_batch_size(config, records):
    fill_in(config, open_records_folder(records), steps=7, batch_size=2)
    assert (config.train_config.num_steps, config.train_config.batch_size) == (7, 2)


@pytest.mark.parametrize(("field", "option"), [("num_steps", "--steps"), ("batch_size", "--batch-size")])
def test_a_config_without_steps_or_batch_size_asks_for_them(config, records, field, option):
    config.train_config.ClearField(field)
    if field == "num_steps":
        config.train_config.num_steps = 0
    else:
        config.train_config.batch_size = 0
    with pytest.raises(DetloopError, match=option):
        fill_in(config, open_records_folder(records), steps=None, batch_size=None)


@pytest.mark.parametrize("missing", ["", "train-00000-of-00001.record", "label_map.pbtxt"])
def test_a_folder_without_records_is_refused(tmp_path, missing):
    folder = draw_records(tmp_path)
    if missing:
        (folder / missing).unlink()
    else:
        folder = tmp_path / "nowhere"
    with pytest.raises(DetloopError) as caught:
        open_records_folder(folder)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize(
    ("in_config", "given", "said"),
    [
        ("PATH_TO_BE_CONFIGURED/model.ckpt", None, "give --checkpoint"),
        ("/nowhere/model.ckpt", None, "the config's train_config.fine_tune_checkpoint"),
        ("", "/nowhere/model.ckpt", "--checkpoint"),
    ],
)
def test_a_missing_checkpoint_is_named(config, in_config, given, said):
    config.train_config.fine_tune_checkpoint = in_config
    with pytest.raises(DetloopError) as caught:
        checkpoint_to_start_from(config, given)
    assert said in str(caught.value)


def test_the_command_lines_checkpoint_comes_before_the_configs(config, tmp_path):
    config.train_config.fine_tune_checkpoint = "/nowhere/model.ckpt"
    graph = tmp_path / "frozen_inference_graph.pb"
    graph.write_bytes(b"x")
    assert checkpoint_to_start_from(config, str(graph)) == graph
    config.train_config.fine_tune_checkpoint = ""
    assert checkpoint_to_start_from(config, None) is None
