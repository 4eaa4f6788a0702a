"""sRGB to CIE 1976 L*a*b* for white point D65: the one function that DeepMAC's losses use of tensorflow_io."""

from typing import Any

import tensorflow as tf

_TO_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
_WHITE = (0.95047, 1.0, 1.08883)


def rgb_to_lab(image: Any) -> Any:
    """Converts [..., 3] of floats from 0 to 1; the constants are those of tensorflow_io.experimental.color."""
    rgb = tf.convert_to_tensor(image)
    linear = tf.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    xyz = tf.tensordot(linear, tf.constant(_TO_XYZ, rgb.dtype), axes=((-1,), (1,))) / tf.constant(_WHITE, rgb.dtype)
    x, y, z = tf.unstack(tf.where(xyz > 0.008856, xyz ** (1 / 3), xyz * 7.787 + 16 / 116), axis=-1)
    return tf.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
