"""What the Object Detection API of 2022 misses on current libraries, put back one name at a time.

Each function answers one upstream change and says which. They touch only what the API looks up by name; none of them
changes how something computes. One keeps the API from the network, which changes what a model starts from.
"""

import importlib
import sys
from types import ModuleType, SimpleNamespace
from typing import Any


def restore_numpy_names() -> None:
    """NumPy 1.24 and 2.0 removed np.int, np.bool, np.float, np.object, np.string_, np.NAN; the API still says them."""
    import numpy as np

    removed: dict[str, Any] = {"int": int, "bool": bool, "float": float, "object": object, "str": str, "NAN": np.nan}
    for name, value in (removed | {"string_": np.bytes_, "unicode_": np.str_, "float_": np.float64}).items():
        if name not in np.__dict__:
            setattr(np, name, value)


def restore_reading_of_bytes() -> None:
    """NumPy 2.3 ended np.fromstring for binary data; visualization_utils reads a plot's pixels with it."""
    import numpy as np

    of_text = np.fromstring

    def fromstring(data: Any, dtype: Any = float, count: int = -1, *, sep: str = "", **options: Any) -> Any:
        if sep == "":
            return np.frombuffer(data, dtype, count).copy()
        return of_text(data, dtype, count, sep=sep, **options)

    np.fromstring = fromstring  # type: ignore[assignment]


def restore_plot_bytes() -> None:
    """Matplotlib 3.10 removed tostring_rgb, a plot's bytes; visualization_utils makes summaries of plots with it."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    if not hasattr(FigureCanvasAgg, "tostring_rgb"):
        canvas_class: Any = FigureCanvasAgg
        canvas_class.tostring_rgb = lambda canvas: np.asarray(canvas.buffer_rgba())[..., :3].tobytes()


def restore_text_size() -> None:
    """Pillow 10 removed getsize from fonts; visualization_utils places a box's label with it."""
    from PIL import ImageFont

    def getsize(font: Any, text: str) -> tuple[int, int]:
        left, _, right, bottom = font.getbbox(text)
        return int(right - left), int(bottom)

    fonts: tuple[Any, ...] = (ImageFont.FreeTypeFont, ImageFont.ImageFont)
    for font in fonts:
        if not hasattr(font, "getsize"):
            font.getsize = getsize


def restore_estimator() -> None:
    """TensorFlow 2.16 dropped tf.estimator; inputs.py and model_lib.py import it for ModeKeys and result tuples."""
    import tensorflow as tf

    estimator = ModuleType("tensorflow.compat.v1.estimator")
    estimator.ModeKeys = SimpleNamespace(TRAIN="train", EVAL="eval", PREDICT="infer")  # type: ignore[attr-defined]
    tf.compat.v1.estimator = estimator
    sys.modules[estimator.__name__] = estimator


def restore_control_flow_names() -> None:
    """TensorFlow 2.13 moved case, cond, while_loop and Assert out of control_flow_ops, where tf_slim 1.1 looks."""
    from tensorflow.python.ops import cond, control_flow_assert, control_flow_case, control_flow_ops, while_loop

    _restore(control_flow_ops, control_flow_case, "case")
    _restore(control_flow_ops, cond, "cond")
    _restore(control_flow_ops, while_loop, "while_loop")
    _restore(control_flow_ops, control_flow_assert, "Assert")


def restore_tensor_classes() -> None:
    """TensorFlow 2.13 and later moved IndexedSlices and Tensor out of framework.ops, where tf_slim looks for them."""
    from tensorflow.python.framework import indexed_slices, ops, tensor

    _restore(ops, indexed_slices, "IndexedSlices")
    _restore(ops, tensor, "Tensor")


def restore_stack_names() -> None:
    """TensorFlow 2.13 moved stack and unstack out of array_ops; tf_slim's layers and example decoder look there."""
    from tensorflow.python.ops import array_ops, array_ops_stack

    _restore(array_ops, array_ops_stack, "stack")
    _restore(array_ops, array_ops_stack, "unstack")


def restore_variable_class() -> None:
    """Later TensorFlow dropped variable_scope.variable, a name of VariableV1; tf_slim makes its counters with it."""
    from tensorflow.python.ops import variable_scope, variable_v1

    if not hasattr(variable_scope, "variable"):
        variable_scope.variable = variable_v1.VariableV1


def restore_legacy_layers() -> None:
    """tf_keras 2.17 moved legacy_tf_layers under src; tf.layers still imports them from the old place."""
    for name in ("base", "convolutional", "core", "normalization", "pooling"):
        module = importlib.import_module(f"tf_keras.src.legacy_tf_layers.{name}")
        sys.modules.setdefault(f"tf_keras.legacy_tf_layers.{name}", module)
    package = importlib.import_module("tf_keras.src.legacy_tf_layers")
    sys.modules.setdefault("tf_keras.legacy_tf_layers", package)


def stand_in_for_tensorflow_io() -> None:
    """deepmac_meta_arch imports tensorflow_io for one colour conversion; no build of it fits this TensorFlow."""
    from detloop.train.odapi.lab_color import rgb_to_lab

    stand_in = ModuleType("tensorflow_io")
    stand_in.experimental = SimpleNamespace(color=SimpleNamespace(rgb_to_lab=rgb_to_lab))  # type: ignore[attr-defined]
    sys.modules.setdefault(stand_in.__name__, stand_in)


def restore_keras_2_resnet() -> None:
    """TensorFlow 2.16 brought Keras 3 under the name keras, where keras_models/resnet_v1.py looks for Keras 2's ResNet.

    Without it CenterNet on ResNet-18 and ResNet-34 cannot be built.
    """
    from object_detection.models.keras_models import resnet_v1
    from tf_keras.src.applications import resnet

    resnet_v1.resnet = resnet


def restore_comparison_with_no_boxes() -> None:
    """NumPy 1.25 made `boxes != []` raise where it used to be true; seq_example_util asks that of every frame's boxes.

    The boxes get there as lists, for which the comparison means what it did.
    """
    import numpy as np
    from object_detection.dataset_tools import seq_example_util

    to_components = seq_example_util.boxes_to_box_components
    seq_example_util.boxes_to_box_components = lambda frames: to_components(
        [np.asarray(each).tolist() for each in frames]
    )


def stand_in_for_lvis_pictures() -> None:
    """lvis draws with OpenCV, imported by its __init__; the API wants only its metrics."""
    pictures = ModuleType("lvis.vis")
    pictures.LVISVis = None  # type: ignore[attr-defined]
    sys.modules.setdefault("lvis.vis", pictures)


def alias_slim_packages() -> None:
    """The distribution keeps slim's packages inside object_detection, while its code imports them at top level."""
    for name in ("nets", "deployment"):
        sys.modules.setdefault(name, importlib.import_module(f"object_detection.{name}"))


def stand_in_for_contrib() -> None:
    """TensorFlow 2.0 removed contrib; the API imports its image ops, for the bipartite matcher alone, and its HParams.

    That matcher fails when a config asks for it; every other import of contrib in the API is optional.
    """
    names = ("contrib", "contrib.image", "contrib.image.python", "contrib.image.python.ops", "contrib.training")
    for name in names:
        sys.modules.setdefault(f"tensorflow.{name}", ModuleType(f"tensorflow.{name}"))
    image_ops = ModuleType("tensorflow.contrib.image.python.ops.image_ops")
    sys.modules["tensorflow.contrib.image.python.ops"].image_ops = image_ops  # type: ignore[attr-defined]
    sys.modules.setdefault(image_ops.__name__, image_ops)
    training = sys.modules["tensorflow.contrib.training"]
    training.HParams = HParams  # type: ignore[attr-defined]
    sys.modules["tensorflow.contrib"].training = training  # type: ignore[attr-defined]


def stand_in_for_contrib_tfprof() -> None:
    """contrib's model analysis is tf.compat.v1.profiler now; exporter prints a model's size and FLOPs with it."""
    import tensorflow as tf

    profiler = tf.compat.v1.profiler
    tfprof = ModuleType("tensorflow.contrib.tfprof")
    tfprof.model_analyzer = SimpleNamespace(  # type: ignore[attr-defined]
        TRAINABLE_VARS_PARAMS_STAT_OPTIONS=profiler.ProfileOptionBuilder.trainable_variables_parameter(),
        FLOAT_OPS_OPTIONS=profiler.ProfileOptionBuilder.float_operation(),
        print_model_analysis=lambda graph, tfprof_options: profiler.profile(graph, cmd="scope", options=tfprof_options),
    )
    sys.modules["tensorflow.contrib"].tfprof = tfprof  # type: ignore[attr-defined]
    sys.modules.setdefault(tfprof.__name__, tfprof)


class HParams:
    """Named values as attributes: what the API uses of tf.contrib.training.HParams, which went with contrib.

    NASNet's and PNASNet's extractors keep their settings in it; without it they are missing from the API, silently.
    """

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def set_hparam(self, name: str, value: Any) -> None:
        """Changes a value that is there."""
        if name not in self.__dict__:
            raise KeyError(f"no hyperparameter is called {name}")
        setattr(self, name, value)

    def get(self, name: str, default: Any = None) -> Any:
        """A value, or the default where there is none of that name."""
        return self.__dict__.get(name, default)

    def values(self) -> dict[str, Any]:
        """All values by name."""
        return dict(self.__dict__)


def keep_mobilenet_from_downloading() -> None:
    """CenterNet's MobileNetV2 extractors download ImageNet weights whenever a model is built, also to be exported.

    A network starts from the checkpoint that training is given, or from random weights, as every other family does.
    """
    from object_detection.models.keras_models import mobilenet_v2

    build = mobilenet_v2.mobilenet_v2
    mobilenet_v2.mobilenet_v2 = lambda *args, **kwargs: build(*args, **(kwargs | {"weights": None}))


def _restore(old: ModuleType, new: ModuleType, name: str) -> None:
    if not hasattr(old, name):
        setattr(old, name, getattr(new, name))
