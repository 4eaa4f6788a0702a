"""What TensorFlow's two generations write, and models that are detectors by name alone."""

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detloop.engine import OUTPUT_NAMES, open_engine
from detloop.errors import DetloopError

RUN_IN_A_PROCESS_OF_ITS_OWN = """
import resource, sys
from pathlib import Path
import numpy as np
from google.protobuf.internal import api_implementation
from detloop.engine import open_engine
pixels = np.full((1, 8, 8, 3), 16, np.uint8)
pixels[0, 2:4, 1:5, 0] = 200
for generation in (2, 1):
    for model in sys.argv[1:]:
        print(open_engine(Path(model)).detect(pixels).boxes[0, 0].tolist())
    import tensorflow as tf
    tf.compat.v1.disable_v2_behavior()
print(api_implementation.Type())
engine, batch = open_engine(Path(sys.argv[1])), np.zeros((8, 600, 800, 3), np.uint8)
for run in range(4):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    engine.detect(batch)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
PAGES_OF_ITS_BATCH_AS_INT32 = 8 * 600 * 800 * 3 * 4 // resource.getpagesize()

Outputs = Callable[[Any], dict[str, Any]]


def fixed_outputs(images: Any) -> dict[str, Any]:
    """One box a image, whatever the image shows."""
    import tensorflow as tf

    count = tf.shape(images)[0]
    values = {"detection_boxes": [[0.25, 0.25, 0.5, 0.5]], "detection_scores": [0.75], "detection_classes": [1.0]}
    outputs = {name: tf.repeat(tf.constant([value]), count, axis=0) for name, value in values.items()}
    return {**outputs, "num_detections": tf.ones([count])}


def write_graph(
    path: Path, outputs: Outputs = fixed_outputs, shape: Any = (None, None, None, 3), dtype: str = "uint8"
) -> Path:
    import tensorflow as tf

    graph = tf.Graph()
    with graph.as_default():
        images = tf.compat.v1.placeholder(dtype, shape, name="image_tensor")
        for name, tensor in outputs(images).items():
            tf.identity(tensor, name=name)
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def write_tf1_saved_model(
    folder: Path, outputs: Outputs = fixed_outputs, key: str = "inputs", signature: str = "serving_default"
) -> Path:
    """A SavedModel as object_detection/exporter.py writes it: a TF1 graph whose only input is called `inputs`."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        images = v1.placeholder(tf.uint8, [None, None, None, 3], name="image_tensor")
        definition = v1.saved_model.predict_signature_def({key: images}, outputs(images))
        builder = v1.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(session, ["serve"], signature_def_map={signature: definition})
        builder.save()
    return folder


def assert_gives_its_box(model: Path, count: int = 2) -> None:
    raw = open_engine(model).detect(np.zeros((count, 6, 9, 3), np.uint8))
    assert raw.boxes.tolist() == [[[0.25, 0.25, 0.5, 0.5]]] * count
    assert raw.scores.tolist() == [[0.75]] * count
    assert raw.class_ids.tolist() == [[1]] * count


def test_a_saved_model_of_tensorflow_1_is_run(tmp_path: Path) -> None:
    assert_gives_its_box(write_tf1_saved_model(tmp_path / "saved_model"))


def test_of_both_forms_in_a_folder_the_frozen_graph_is_run(tmp_path: Path) -> None:
    (tmp_path / "saved_model").mkdir()
    (tmp_path / "saved_model" / "saved_model.pb").write_text("not a SavedModel")
    write_graph(tmp_path / "frozen_inference_graph.pb")
    assert_gives_its_box(tmp_path)


def test_a_graph_for_one_image_of_one_size_runs_on_it_alone(tmp_path: Path) -> None:
    model = write_graph(tmp_path / "model.pb", shape=(1, 6, 9, 3))
    assert open_engine(model).max_batch_size == 1
    assert_gives_its_box(model, count=1)
    with pytest.raises(DetloopError, match=r"takes images of height and width \[6, 9\] alone, these have \[9, 6\]"):
        open_engine(model).detect(np.zeros((1, 9, 6, 3), np.uint8))


def with_a_variable(images: Any) -> dict[str, Any]:
    import tensorflow as tf

    weight = tf.compat.v1.get_variable("weight", initializer=1.0, use_resource=True)
    outputs = fixed_outputs(images)
    return {**outputs, "detection_scores": outputs["detection_scores"] * weight.read_value()}


def without_a_batch(images: Any) -> dict[str, Any]:
    import tensorflow as tf

    return {name: tf.squeeze(tensor) for name, tensor in fixed_outputs(images).items()}


def diverged(images: Any) -> dict[str, Any]:
    outputs = fixed_outputs(images)
    return {**outputs, "detection_scores": outputs["detection_scores"] * float("nan")}


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (with_a_variable, "cannot detect in 1 images of 9x6: "),
        (without_a_batch, "gives detection_boxes [4], detection_scores [], detection_classes []"),
        (diverged, "gives scores or boxes that are not numbers; it is damaged, or its training diverged"),
    ],
)
def test_a_model_that_fails_when_it_runs_is_named_in_one_line(tmp_path: Path, outputs: Outputs, message: str) -> None:
    engine = open_engine(write_graph(tmp_path / "model.pb", outputs))
    with pytest.raises(DetloopError) as caught:
        engine.detect(np.zeros((1, 6, 9, 3), np.uint8))
    assert str(caught.value).startswith(f"{tmp_path / 'model.pb'}: {message}")
    assert "\n" not in str(caught.value)


def test_an_input_that_is_no_image_is_described(tmp_path: Path) -> None:
    for shape, dtype, described in (
        ((None,), "string", "string [None]"),
        ((None, None, None, 3), "float32", "float32 [None, None, None, 3]"),
        ((None, None, None, 1), "uint8", "uint8 [None, None, None, 1]"),
    ):
        with pytest.raises(DetloopError) as caught:
            open_engine(write_graph(tmp_path / "model.pb", shape=shape, dtype=dtype))
        assert f"its input image_tensor:0 is {described}, not uint8 images" in str(caught.value)


def test_a_saved_model_for_something_else_tells_its_signatures(tmp_path: Path) -> None:
    with pytest.raises(DetloopError, match="has no signature serving_default; it has classify"):
        open_engine(write_tf1_saved_model(tmp_path / "a", signature="classify"))
    with pytest.raises(DetloopError) as caught:
        open_engine(write_tf1_saved_model(tmp_path / "b", lambda images: {"logits": images}))
    assert f"lacks {', '.join(OUTPUT_NAMES)}; it has the inputs inputs and the outputs logits" in str(caught.value)


def test_both_forms_run_silently_with_and_without_tensorflow_2_with_fast_protobuf_and_memory_kept(
    frozen_graph: Path, saved_model: Path
) -> None:
    command = [sys.executable, "-c", RUN_IN_A_PROCESS_OF_ITS_OWN, str(frozen_graph), str(saved_model)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    *printed, page_faults = done.stdout.splitlines()
    assert printed == ["[0.25, 0.125, 0.5, 0.625]"] * 4 + ["upb"]
    assert int(page_faults) < 2 * PAGES_OF_ITS_BATCH_AS_INT32  # five times as many when memory is given back
    assert done.stderr == ""
