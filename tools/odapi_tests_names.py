"""What the tests' own code misses on current libraries, put back for the tests alone; the API itself goes without."""

import sys
import types
import unittest
from typing import Any
from unittest import mock

import numpy as np
from absl.testing import parameterized


def put_back() -> None:
    """Everything below; the API has to be loaded, and what it has not imported yet must still be importable."""
    sys.modules.setdefault("mock", mock)
    _google3()
    _contrib_tpu()
    _assert_items_equal()
    _numbers_of_one_element_tensors()
    _images_of_any_bytes()
    _equal_records()
    _decay_of_moving_averages()


def put_back_in(module: types.ModuleType) -> None:
    """NumPy 2.4 no longer makes an int of an array of one element; the tests of slim's deployment draw labels so."""
    if module.__name__ == "object_detection.deployment.model_deploy_test":
        module.__dict__["int"] = lambda number: np.asarray(number).astype(int).item()


def _google3() -> None:
    """One test kept the name that absl's parameterized has inside of Google."""
    for name in ("google3", "google3.testing", "google3.testing.pybase"):
        sys.modules.setdefault(name, types.ModuleType(name))
    sys.modules["google3.testing.pybase"].parameterized = parameterized  # type: ignore[attr-defined]


def _contrib_tpu() -> None:
    """utils/test_case.py imports tf.contrib.tpu in TF1 behaviour, and calls it where there is a TPU."""
    if "tensorflow.contrib" in sys.modules:
        sys.modules["tensorflow.contrib"].tpu = types.ModuleType("tensorflow.contrib.tpu")  # type: ignore[attr-defined]


def _assert_items_equal() -> None:
    """Python 2's name of assertCountEqual."""
    if not hasattr(unittest.TestCase, "assertItemsEqual"):
        unittest.TestCase.assertItemsEqual = unittest.TestCase.assertCountEqual  # type: ignore[attr-defined]


def _numbers_of_one_element_tensors() -> None:
    """NumPy 2.4 no longer makes an int of an array of one element; tests do so with tensors of shape [1]."""
    from tensorflow.python.framework import ops

    ops.EagerTensor.__int__ = lambda self: int(self.numpy().item())
    ops.EagerTensor.__float__ = lambda self: float(self.numpy().item())


def _images_of_any_bytes() -> None:
    """Pillow takes the pixel type from the array; tests hand it random floats and say "RGB", meaning their bytes."""
    from PIL import Image

    of_array = Image.fromarray

    def fromarray(array: Any, mode: str | None = None) -> Image.Image:
        if mode is None or array.dtype == np.uint8:
            return of_array(array)
        height, width = array.shape[:2]
        return Image.frombuffer(mode, (width, height), array.tobytes(), "raw", mode, 0, 1)

    Image.fromarray = fromarray


def _equal_records() -> None:
    """tf.test.TestCase.assertAllEqual now looks up TensorFlow's name of the type, which arrays of records have not."""
    import tensorflow as tf

    of_tensors = tf.test.TestCase.assertAllEqual

    def assert_all_equal(self: Any, a: Any, b: Any, msg: str | None = None) -> None:
        if isinstance(a, np.ndarray) and a.dtype.names:
            np.testing.assert_array_equal(a, b, msg or "")
        else:
            of_tensors(self, a, b, msg)

    tf.test.TestCase.assertAllEqual = assert_all_equal


def _decay_of_moving_averages() -> None:
    """A test reads the decay from a private field of contrib's optimizer; detloop's holds it itself."""
    if "tensorflow.contrib" in sys.modules:
        from detloop.train.odapi.moving_average import MovingAverageOptimizer

        MovingAverageOptimizer._ema = property(lambda self: self)
