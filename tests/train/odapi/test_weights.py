"""Weights by name, from frozen graphs and checkpoints into a model's variables."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from detloop.errors import DetloopError
from detloop.train.odapi.weights import is_object_based, load_into_variables, read_named_weights


def write_checkpoint(folder, values):
    with tf.Graph().as_default(), tf.Session() as session:
        for name, value in values.items():
            tf.get_variable(name, initializer=np.float32(value))
        session.run(tf.global_variables_initializer())
        return tf.train.Saver().save(session, str(folder / "model.ckpt"), global_step=3)


def write_frozen_graph(folder, values):
    with tf.Graph().as_default() as graph:
        for name, value in values.items():
            tf.constant(np.float32(value), name=name)
        path = folder / "frozen_inference_graph.pb"
        path.write_bytes(graph.as_graph_def().SerializeToString())
        return path


@pytest.fixture(params=["checkpoint", "frozen graph"])
def write(request):
    return write_checkpoint if request.param == "checkpoint" else write_frozen_graph


def test_variables_take_the_weights_of_their_names(tmp_path, write):
    source = write(tmp_path, {"Conv/weights": [[1, 2], [3, 4]], "Head/biases": [1, 2, 3], "Other/weights": [9]})
    with tf.Graph().as_default(), tf.Session() as session:
        conv = tf.get_variable("Conv/weights", shape=(2, 2))
        head = tf.get_variable("Head/biases", shape=(5,), initializer=tf.zeros_initializer())
        new = tf.get_variable("New/weights", shape=(1,))
        session.run(tf.global_variables_initializer())
        variables = {variable.op.name: variable for variable in (conv, head, new)}
        start = load_into_variables(read_named_weights(_path(source)), variables, session)
        np.testing.assert_array_equal(session.run(conv), [[1, 2], [3, 4]])
        np.testing.assert_array_equal(session.run(head), np.zeros(5))
    assert start.loaded == ["Conv/weights"]
    assert start.missing == ["New/weights"]
    assert start.mismatched == ["Head/biases 3 for 5"]
    assert str(start).startswith("started from ")
    assert "1 of 3 variables loaded; 1 of another shape (Head/biases 3 for 5); 1 not in it (New/weights)" in str(start)


def test_weights_of_another_model_are_refused(tmp_path, write):
    source = write(tmp_path, {"Other/weights": [9]})
    with tf.Graph().as_default(), tf.Session() as session:
        variables = {"Conv/weights": tf.get_variable("Conv/weights", shape=(2, 2))}
        with pytest.raises(DetloopError, match=r"none of its weights fits .* it has Other/weights, .* Conv/weights"):
            load_into_variables(read_named_weights(_path(source)), variables, session)


def test_what_is_neither_graph_nor_checkpoint_is_refused(tmp_path):
    broken = tmp_path / "broken.pb"
    broken.write_bytes(b"\xff\xff no graph")
    with pytest.raises(DetloopError, match="not a frozen graph"):
        read_named_weights(broken)
    (tmp_path / "model.ckpt-1.index").write_bytes(b"no index")
    with pytest.raises(DetloopError, match="not a checkpoint"):
        read_named_weights(tmp_path / "model.ckpt-1")


def test_a_checkpoint_of_tf2_is_told_apart(tmp_path):
    import tensorflow

    prefix = tensorflow.train.Checkpoint(step=tensorflow.Variable(1)).write(str(tmp_path / "ckpt-1"))
    assert is_object_based(_path(prefix))
    assert not is_object_based(_path(write_checkpoint(tmp_path, {"x": [1.0]})))
    with pytest.raises(DetloopError, match="a TF2 checkpoint cannot start a TF1 model"):
        read_named_weights(_path(prefix))


def _path(source):
    from pathlib import Path

    return Path(source)
