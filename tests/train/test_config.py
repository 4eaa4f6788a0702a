"""pipeline.config files: read with errors that help, told apart by generation, edited."""

import subprocess
import sys
from pathlib import Path

import pytest

from detloop.errors import DetloopError
from detloop.train.odapi.config import generation_of, read_config, set_fields, write_config
from tests.train.tiny_configs import ssd_config


def config_with(tmp_path: Path, text: str):
    path = tmp_path / "pipeline.config"
    path.write_text(text, encoding="utf-8")
    return read_config(path)


@pytest.mark.parametrize(
    ("model", "generation"),
    [
        ('ssd { feature_extractor { type: "ssd_mobilenet_v2" } }', "tf1"),
        ('ssd { feature_extractor { type: "ssd_resnet50_v1_fpn" } }', "tf1"),
        ('ssd { feature_extractor { type: "ssd_mobilenet_v2_fpn_keras" } }', "tf2"),
        ('ssd { feature_extractor { type: "ssd_efficientnet-b0_bifpn_keras" } }', "tf2"),
        ('faster_rcnn { feature_extractor { type: "faster_rcnn_resnet101" } }', "tf1"),
        ('faster_rcnn { feature_extractor { type: "faster_rcnn_resnet50_keras" } }', "tf2"),
        ('center_net { feature_extractor { type: "resnet_v2_50" } }', "tf2"),
    ],
)
def test_the_generation_is_found_in_the_config(tmp_path, model, generation):
    assert generation_of(config_with(tmp_path, f"model {{ {model} }}")) == generation


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model { ssd { num_clases: 3 } }", "line 1: Ssd has no field 'num_clases'; the nearest is 'num_classes'"),
        ("model { ssd { num_classes: many } }", "Couldn't parse integer: many"),
        ("this is not a config", "pipeline.config: "),
        ("train_config { batch_size: 3 }", "has no model"),
    ],
)
def test_what_is_no_config_is_said_on_one_line(tmp_path, text, said):
    with pytest.raises(DetloopError) as caught:
        config_with(tmp_path, text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_config_is_named(tmp_path):
    with pytest.raises(DetloopError, match=r"no such pipeline\.config"):
        read_config(tmp_path / "none.config")


@pytest.mark.parametrize(
    ("assignment", "read"),
    [
        ("train_config.batch_size=7", lambda config: config.train_config.batch_size == 7),
        ("train_config.fine_tune_checkpoint=a b", lambda config: config.train_config.fine_tune_checkpoint == "a b"),
        ("train_config.fine_tune_checkpoint=", lambda config: config.train_config.fine_tune_checkpoint == ""),
        ("model.ssd.freeze_batchnorm=true", lambda config: config.model.ssd.freeze_batchnorm is True),
        (
            "train_config.optimizer.adam_optimizer.learning_rate.constant_learning_rate.learning_rate=0.5",
            lambda config: config.train_config.optimizer.WhichOneof("optimizer") == "adam_optimizer",
        ),
        (
            "train_config.data_augmentation_options[0].random_horizontal_flip.probability=0.25",
            lambda config: config.train_config.data_augmentation_options[0].random_horizontal_flip.probability == 0.25,
        ),
        (
            "train_config.freeze_variables=[ab]/(c|d)",
            lambda config: config.train_config.freeze_variables == ["[ab]/(c|d)"],
        ),
        ('train_config.freeze_variables=["a", "b"]', lambda config: config.train_config.freeze_variables == ["a", "b"]),
        ("train_config.freeze_variables=", lambda config: not config.train_config.freeze_variables),
        ("train_config.data_augmentation_options=", lambda config: not config.train_config.data_augmentation_options),
    ],
)
def test_any_field_can_be_set(tmp_path, assignment, read):
    config = config_with(tmp_path, ssd_config("tf1"))
    set_fields(config, [assignment])
    assert read(config)


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("train_config.batch_size", "write it as a.b.c=value"),
        ("train_config.batchsize=3", "has no field 'batchsize'; the nearest is 'batch_size'"),
        ("train_config.batch_size=three", "Couldn't parse integer: three"),
        ("train_config.batch_size.x=3", "holds a value, not fields of its own"),
        ("train_config.data_augmentation_options.random_horizontal_flip.probability=1", "name one as"),
        ("train_config.data_augmentation_options[4].random_horizontal_flip.probability=1", "is a list of 1"),
    ],
)
def test_what_cannot_be_set_is_said(tmp_path, assignment, said):
    config = config_with(tmp_path, ssd_config("tf1"))
    with pytest.raises(DetloopError) as caught:
        set_fields(config, [assignment])
    assert said in str(caught.value)
    assert assignment in str(caught.value)


def test_a_config_survives_writing_and_reading(tmp_path):
    config = config_with(tmp_path, ssd_config("tf2"))
    write_config(config, tmp_path / "copy.config")
    assert read_config(tmp_path / "copy.config") == config


def test_configs_are_read_without_tensorflow_and_with_the_fast_protobuf(tmp_path):
    (tmp_path / "pipeline.config").write_text(ssd_config("tf1"), encoding="utf-8")
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from google.protobuf.internal import api_implementation\n"
        "from detloop.train.odapi.config import read_config\n"
        f"read_config(Path({str(tmp_path / 'pipeline.config')!r}))\n"
        "print('tensorflow' in sys.modules, api_implementation.Type())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "upb"]
