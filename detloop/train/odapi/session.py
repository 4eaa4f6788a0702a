"""The session that TF1 models run in."""

from typing import Any

import tensorflow.compat.v1 as tf


def open_session(graph: Any) -> Any:
    """A session on `graph` whose GPU memory grows on demand, instead of being taken whole."""
    config = tf.ConfigProto()
    config.gpu_options.allow_growth = True
    return tf.Session(graph=graph, config=config)
