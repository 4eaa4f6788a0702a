"""Loads the Object Detection API in one of its two behaviours; a process can hold only one of them."""

import os
import warnings
from typing import Any, Literal

from detloop.engine.tensorflow_engine import native_errors_hidden
from detloop.errors import DetloopError
from detloop.train.odapi import mends
from detloop.train.odapi.protos import install_message_classes

Generation = Literal["tf1", "tf2"]
"""tf1: slim models in graph mode with name-based checkpoints; tf2: Keras models with object-based checkpoints."""

_loaded: list[Generation] = []


def load_api(generation: Generation, onednn: bool = True) -> None:
    """Makes `object_detection` importable in this process in the behaviour of `generation`.

    model_builder decides while it is imported which feature extractors exist, so the choice cannot be changed later.

    Args:
        onednn: use Intel's kernels on the CPU. They are faster, but their gradients of strided bfloat16 convolutions on
            feature maps of a few pixels are not numbers.

    Raises:
        DetloopError: TensorFlow is missing, is not on Keras 2, or the process already holds the other generation.
    """
    if _loaded:
        if _loaded[0] != generation:
            raise DetloopError(f"this process already runs the API as {_loaded[0]}; start another one for {generation}")
        return
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if onednn:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    else:
        os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
    tensorflow = _import_tensorflow()
    tensorflow.get_logger().setLevel("ERROR")
    tensorflow.autograph.set_verbosity(0)
    warnings.filterwarnings("ignore", message="Seed .* from outer graph", category=UserWarning)
    warnings.filterwarnings("ignore", message=".*deprecated", module=r"(tf_keras|tensorflow)\.")
    if generation == "tf1":
        tensorflow.compat.v1.disable_v2_behavior()
        mends.stand_in_for_contrib()
        mends.stand_in_for_contrib_tfprof()
        from detloop.train.odapi.moving_average import install_as_contrib_opt

        install_as_contrib_opt()
    install_message_classes()
    mends.restore_numpy_names()
    mends.restore_reading_of_bytes()
    mends.restore_plot_bytes()
    mends.restore_text_size()
    mends.restore_estimator()
    mends.restore_control_flow_names()
    mends.restore_tensor_classes()
    mends.restore_stack_names()
    mends.restore_variable_class()
    mends.restore_legacy_layers()
    mends.stand_in_for_tensorflow_io()
    mends.stand_in_for_lvis_pictures()
    mends.alias_slim_packages()
    mends.restore_comparison_with_no_boxes()
    if generation == "tf2":
        mends.restore_keras_2_resnet()
        mends.keep_mobilenet_from_downloading()
    from detloop.train.odapi.ignored_boxes import hide_anchors_of_ignored_boxes

    hide_anchors_of_ignored_boxes()
    for gpu in tensorflow.config.list_physical_devices("GPU"):
        tensorflow.config.experimental.set_memory_growth(gpu, True)
    _loaded.append(generation)


def _import_tensorflow() -> Any:
    try:
        with native_errors_hidden():
            import tensorflow
    except ImportError:
        raise DetloopError(
            "TensorFlow is not installed; install detloop with the extra 'cpu' or 'gpu' (uv sync --extra cpu)"
        ) from None
    if not tensorflow.keras.Model.__module__.startswith("tf_keras."):
        raise DetloopError("TensorFlow runs on Keras 3 here; set TF_USE_LEGACY_KERAS=1 before it is imported")
    return tensorflow
