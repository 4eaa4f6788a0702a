"""`detloop`, with batch-norm statistics that follow a few dozen training steps: for training from random weights.

    python -m tools.fast_batch_norm tf1|tf2 train ...

The networks' own statistics, with a decay of 0.99 to 0.999, take thousands of steps, which fine-tuning need not wait
for and a short training from random weights cannot. Where the config has no field for the decay, this sets it.
"""

import functools
import sys
from collections.abc import Sequence
from typing import Any

from detloop import cli
from detloop.train.odapi.runtime import load_api

MOST_DECAY = 0.9


def main(arguments: Sequence[str]) -> None:
    generation, *command = arguments
    if generation == "tf1":
        load_api("tf1")
        hasten_slim_resnets()
    else:
        load_api("tf2")
        hasten_keras_layers()
    cli.main(command, prog_name="detloop")


def hasten_slim_resnets() -> None:
    """Sets the decay in the ResNets' argument scope, which the API's extractors enter without naming one."""
    from nets import resnet_utils

    resnet_utils.resnet_arg_scope = functools.partial(resnet_utils.resnet_arg_scope, batch_norm_decay=MOST_DECAY)


def hasten_keras_layers() -> None:
    """Bounds the momentum that a batch-norm layer may be built with, of Keras' two classes, which share their base."""
    import tensorflow as tf

    layer = tf.keras.layers.BatchNormalization.__base__
    build: Any = layer.__init__

    @functools.wraps(build)
    def build_faster(self: Any, *given: Any, momentum: float = MOST_DECAY, **named: Any) -> None:
        build(self, *given, momentum=min(momentum, MOST_DECAY), **named)

    layer.__init__ = build_faster


if __name__ == "__main__":
    main(sys.argv[1:])
