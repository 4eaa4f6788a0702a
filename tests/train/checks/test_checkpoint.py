"""Weights to start from: of the right generation, with the backbone that is wanted."""

from pathlib import Path

import numpy as np
import pytest

from detloop.errors import DetloopError
from detloop.train.checks.checkpoint import Weights, check_checkpoint, read_weights
from tests.train.checks.configs import config

BACKBONE = {"FeatureExtractor/MobilenetV2/Conv/weights": (3, 3, 3, 32)}
HEADS = {"BoxPredictor_0/BoxEncodingPredictor/biases": (12,), "BoxPredictor_0/ClassPredictor/biases": (9,)}
TF2_SSD = {"model/_feature_extractor/x": (1,), "model/_box_predictor/y": (1,), "save_counter": ()}


def weights(shapes, kind="TF1 checkpoint"):
    return Weights(Path("model.ckpt"), kind, shapes)


@pytest.mark.parametrize("kind", ["TF1 checkpoint", "frozen graph"])
def test_weights_of_the_same_backbone_are_fine(kind):
    assert check_checkpoint(config(), weights(BACKBONE | HEADS, kind)) == []
    assert check_checkpoint(config(), weights({"MobilenetV2/Conv/weights": (1,)}, kind)) == []


@pytest.mark.parametrize(
    ("shapes", "held"),
    [
        ({"FeatureExtractor/InceptionV2/Conv/weights": (1,)}, "those of InceptionV2"),
        ({"a/weights": (1,), "b/weights": (1,), "c": (1,)}, "a/weights, b/weights"),
        (HEADS, "BoxPredictor_0/BoxEncodingPredictor/biases, BoxPredictor_0/ClassPredictor/biases"),
    ],
)
def test_a_missing_backbone_is_an_error(shapes, held):
    (finding,) = check_checkpoint(config(), weights(shapes))[:1]
    assert finding.severity == "error"
    what = "model.ckpt has no weights of MobilenetV2, the backbone of ssd_mobilenet_v2; it has "
    assert finding.what == what + held


def test_heads_of_another_class_count_are_noted_only():
    (finding,) = check_checkpoint(config("model.ssd.num_classes=5"), weights(BACKBONE | HEADS))
    assert finding.severity == "note"
    assert "its class heads are for 2 classes, the config has 5; they start anew" in finding.what


@pytest.mark.parametrize(
    ("heads", "classes"),
    [
        ({"SecondStageBoxPredictor/ClassPredictor/biases": (91,)}, 90),
        (
            {
                "FirstStageBoxPredictor/ClassPredictor/biases": (24,),
                "FirstStageBoxPredictor/BoxPredictor/biases": (48,),
            },
            0,
        ),
        (
            {
                "WeightSharedConvolutionalBoxPredictor/ClassPredictor/biases": (546,),
                "WeightSharedConvolutionalBoxPredictor/BoxPredictor/biases": (24,),
            },
            90,
        ),
    ],
)
def test_the_class_count_of_other_heads_is_known_too(heads, classes):
    findings = check_checkpoint(config(), weights(BACKBONE | heads))
    assert [f"for {classes} classes" in finding.what for finding in findings] == [True] * bool(classes)


@pytest.mark.parametrize(("generation", "kind"), [("tf1", "TF2 checkpoint"), ("tf2", "TF1 checkpoint")])
def test_weights_of_the_other_generation_are_an_error(generation, kind):
    (finding,) = check_checkpoint(config(generation=generation), weights(BACKBONE, kind))
    assert finding.severity == "error"
    assert f"is a {kind}, but ssd_mobilenet_v2" in finding.what
    assert generation.upper() in finding.advice


@pytest.mark.parametrize("root", ["model", "_model"])
def test_a_tf2_checkpoint_of_the_same_kind_of_model_is_fine(root):
    shapes = {name.replace("model", root, 1): shape for name, shape in TF2_SSD.items()}
    assert check_checkpoint(config(generation="tf2"), weights(shapes, "TF2 checkpoint")) == []


@pytest.mark.parametrize(
    ("shapes", "severity", "what"),
    [
        ({"model/_feature_extractor/x": (1,), "model/_prediction_head_dict/y": (1,)}, "warning", "ssd model's heads"),
        ({"model/_feature_extractor_for_proposal_features/x": (1,)}, "error", "no backbone of a ssd model"),
        ({"encoder/x": (1,), "save_counter": ()}, "error", "holds no detection model; it has encoder, save_counter"),
    ],
)
def test_a_tf2_checkpoint_of_another_kind_is_found(shapes, severity, what):
    (finding,) = check_checkpoint(config(generation="tf2"), weights(shapes, "TF2 checkpoint"))
    assert finding.severity == severity
    assert what in finding.what


def test_a_frozen_graph_is_read(tmp_path):
    import tensorflow.compat.v1 as tf

    with tf.Graph().as_default() as graph:
        tf.constant(np.zeros((3, 2), np.float32), name="FeatureExtractor/MobilenetV2/Conv/weights")
        path = tmp_path / "frozen_inference_graph.pb"
        path.write_bytes(graph.as_graph_def().SerializeToString())
    read = read_weights(path)
    assert (read.kind, read.shapes["FeatureExtractor/MobilenetV2/Conv/weights"]) == ("frozen graph", (3, 2))


def test_a_tf1_checkpoint_is_read(tmp_path):
    import tensorflow.compat.v1 as tf

    with tf.Graph().as_default(), tf.Session() as session:
        variable = tf.get_variable("MobilenetV2/Conv/weights", shape=(2, 3))
        session.run(variable.initializer)
        prefix = tf.train.Saver().save(session, str(tmp_path / "model.ckpt"))
    read = read_weights(Path(prefix))
    assert (read.kind, read.shapes) == ("TF1 checkpoint", {"MobilenetV2/Conv/weights": (2, 3)})


def test_a_tf2_checkpoint_is_read(tmp_path):
    import tensorflow as tf

    model = tf.Module()
    model._box_predictor = tf.Variable([1.0, 2.0])
    prefix = tf.train.Checkpoint(model=model).write(str(tmp_path / "ckpt-1"))
    read = read_weights(Path(prefix))
    assert read.kind == "TF2 checkpoint"
    assert read.shapes["model/_box_predictor"] == (2,)


def test_what_is_no_checkpoint_is_said(tmp_path):
    (tmp_path / "ckpt-1.index").write_bytes(b"no index")
    with pytest.raises(DetloopError, match="not a checkpoint"):
        read_weights(tmp_path / "ckpt-1")
