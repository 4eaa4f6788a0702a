"""The optimizer with moving averages that TF1 configs ask for by default (optimizer { use_moving_average: true })."""

import sys
from types import ModuleType
from typing import Any

import tensorflow.compat.v1 as tf


class MovingAverageOptimizer(tf.train.Optimizer):  # type: ignore[misc]
    """Applies another optimizer and keeps an exponential moving average of every variable it trains.

    Takes the place of tf.contrib.opt.MovingAverageOptimizer, which went with contrib in TensorFlow 2.0; same rule,
    shadow = decay * shadow + (1 - decay) * variable after each step. The decay starts low, at most (1 + step) /
    (10 + step), as that of the TF2 models' optimizer does: with 0.9999 from the start, the average of some hundred
    steps would be little else than the weights it started from.
    """

    def __init__(self, opt: Any, average_decay: float = 0.9999) -> None:
        super().__init__(use_locking=False, name="MovingAverage")
        self._optimizer = opt
        self._decay = average_decay
        self._average: Any = None
        self._averaged: list[Any] = []

    def compute_gradients(self, *args: Any, **kwargs: Any) -> Any:
        return self._optimizer.compute_gradients(*args, **kwargs)

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: str | None = None) -> Any:
        self._average = tf.train.ExponentialMovingAverage(self._decay, num_updates=global_step)
        pairs = list(grads_and_vars)
        applied = self._optimizer.apply_gradients(pairs, global_step=global_step, name=name)
        self._averaged = [variable for gradient, variable in pairs if gradient is not None]
        with tf.control_dependencies([applied]):
            return tf.group(applied, self._average.apply(self._averaged))

    def start_averages(self) -> Any:
        """An operation that gives every average its variable's present value, for weights loaded into the variables."""
        return tf.group([tf.assign(self._average.average(variable), variable) for variable in self._averaged])

    def swapping_saver(self, **kwargs: Any) -> Any:
        """A Saver that writes the averages under the variables' names and the variables under the averages' names.

        So whoever reads the checkpoint gets the averaged weights, and a resumed training gets both.
        """
        names = {variable.op.name: variable for variable in tf.global_variables()}
        for variable in self._averaged:
            average = self._average.average(variable)
            names[variable.op.name], names[average.op.name] = average, variable
        return tf.train.Saver(names, **kwargs)


def install_as_contrib_opt() -> None:
    """Puts the optimizer where object_detection/builders/optimizer_builder.py imports it from."""
    opt = ModuleType("tensorflow.contrib.opt")
    opt.MovingAverageOptimizer = MovingAverageOptimizer  # type: ignore[attr-defined]
    sys.modules["tensorflow.contrib"].opt = opt  # type: ignore[attr-defined]
    sys.modules.setdefault(opt.__name__, opt)
