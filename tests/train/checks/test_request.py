"""All that is wrong with what `detloop train` is given, at once and without TensorFlow where it needs none."""

import subprocess
import sys
from pathlib import Path

import pytest

from detloop.train.checks import Finding, check_request, check_training, errors_in, findings_text
from tests.train.checks.configs import RATE, config
from tests.train.checks.made_records import example, good_folder, write_folder
from tests.train.tiny_configs import draw_records, ssd_config, write_ssd_config


@pytest.mark.parametrize("generation", ["tf1", "tf2"])
def test_nothing_is_found_where_nothing_is_wrong(tmp_path, generation):
    records, path = draw_records(tmp_path), write_ssd_config(tmp_path, generation)
    assert check_request(config=str(path), records=records) == []


def test_everything_is_found_at_once(tmp_path):
    records = write_folder(tmp_path / "records", [example(class_text=[b"person", b"dog"], height=[10])], valid=[]).path
    path = tmp_path / "pipeline.config"
    path.write_text(ssd_config("tf1").replace('"ssd_mobilenet_v2"', '"ssd_mobilnet_v2"'), encoding="utf-8")
    findings = check_request(
        config=str(path),
        records=records,
        checkpoint="nowhere.ckpt",
        batch_size=1_000_000,
        overrides=["model.ssd.num_classes=5", f"{RATE}.cosine_decay_learning_rate.warmup_steps=0"],
    )
    text = findings_text(findings)
    for part in (
        "error: model.ssd.feature_extractor.type: the API has no 'ssd_mobilnet_v2'; the nearest is 'ssd_mobilenet_v2'",
        "error: config: num_classes is 5, but",
        "error: checkpoint: nowhere.ckpt: no such checkpoint (--checkpoint)",
        "boxes are of the class 'dog', which the label map lacks",
        "1 records are fewer than a batch of 1000000",
        "valid-*.record: hold no record",
        "no train record has a box of 1 of its classes (car)",
        "warning: cosine_decay_learning_rate: total_steps is 4000000",
        "warning: config's image_resizer: it takes images of 96x10 pixels to 96x96",
        "warning: main memory: the training may need about",
    ):
        assert part in text
    assert text.splitlines()[-1] == "checked: 4 errors, 6 warnings"
    severities = [line.split(":")[0] for line in text.splitlines()[:-1]]
    assert severities == sorted(severities)
    assert len(errors_in(findings)) == 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"config": "none.config"}, "error: --config: none.config: no such pipeline.config"),
        ({"records": Path("nowhere")}, "error: --records: nowhere: no such records folder"),
        ({"overrides": ["model.ssd.num_clases=3"]}, "has no field 'num_clases'; the nearest is 'num_classes'"),
        ({"overrides": ["train_config.num_steps=0"]}, "error: config: the config has no train_config.num_steps"),
    ],
)
def test_what_cannot_be_read_is_a_finding_and_the_rest_is_checked(tmp_path, arguments, said):
    good, path = good_folder(tmp_path / "records"), write_ssd_config(tmp_path, "tf1")
    findings = check_request(**{"config": str(path), "records": good.path, **arguments})
    assert [finding.severity for finding in findings] == ["error"]
    assert said in str(findings[0])


def test_records_are_checked_where_the_config_is_broken(tmp_path):
    records = write_folder(tmp_path / "records", [example(bbox_xmin=[0.1, 1.5])])
    (tmp_path / "broken.config").write_text("model { ssd { num_clases: 3 } }")
    findings = check_request(config=str(tmp_path / "broken.config"), records=records.path)
    text = findings_text(findings)
    assert "Ssd has no field 'num_clases'; the nearest is 'num_classes'" in text
    assert "boxes reach out of their image" in text


def test_a_training_that_is_read_already_can_be_checked(tmp_path):
    folder = good_folder(tmp_path)
    assert check_training(config(), folder, None) == []
    (finding,) = check_training(config("model.ssd.num_classes=7"), folder, None)
    assert finding.severity == "error"


def test_an_empty_list_says_that_it_was_checked():
    assert findings_text([]) == "checked: 0 errors, 0 warnings"
    one = [Finding("note", "here", "this", "that"), Finding("warning", "there", "what")]
    assert findings_text(one) == "warning: there: what\nnote: here: this; that\nchecked: 0 errors, 1 warning"


def test_tensorflow_is_not_needed_where_there_are_no_weights(tmp_path):
    good, path = good_folder(tmp_path / "records"), write_ssd_config(tmp_path, "tf1")
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from detloop.train.checks import check_request\n"
        f"print(check_request(config={str(path)!r}, records=Path({str(good.path)!r})), 'tensorflow' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[] False\n"


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory) -> dict[str, str]:
    """The prefix of a checkpoint of each generation."""
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("checkpoints")
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variable = tf.compat.v1.get_variable("FeatureExtractor/MobilenetV2/Conv/weights", shape=(1,))
        session.run(variable.initializer)
        tf1 = tf.compat.v1.train.Saver().save(session, str(folder / "model.ckpt"))
    model = tf.Module()
    model._feature_extractor, model._box_predictor = [tf.Variable(1.0)], [tf.Variable(1.0)]
    return {"tf1": tf1, "tf2": tf.train.Checkpoint(model=model).write(str(folder / "ckpt-1"))}


@pytest.mark.parametrize("generation", ["tf1", "tf2"])
def test_checkpoints_are_read_and_the_training_can_follow_in_the_same_process(tmp_path, generation, checkpoints):
    good, path = good_folder(tmp_path / "records"), write_ssd_config(tmp_path, generation)
    fitting, other = (checkpoints[name] for name in sorted(checkpoints, key=lambda name: name != generation))
    program = (
        "from pathlib import Path\n"
        "from detloop.train.checks import check_request\n"
        "from detloop.train.odapi.runtime import load_api\n"
        f"for checkpoint in ({fitting!r}, {other!r}):\n"
        f"    print(check_request(config={str(path)!r}, records=Path({str(good.path)!r}), checkpoint=checkpoint))\n"
        f"load_api({generation!r})\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    of_fitting, of_other = done.stdout.splitlines()
    assert of_fitting == "[]"
    assert "severity='error', where='checkpoint'" in of_other
    assert f"{other} is a TF" in of_other
