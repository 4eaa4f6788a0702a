"""Says which GPUs TensorFlow sees in this container and multiplies two matrices on the first; fails where it cannot."""

import sys
import time

import tensorflow as tf

SIDE = 4096


def main() -> int:
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        print(f"TensorFlow {tf.__version__} sees no GPU; what it missed is in its lines above", file=sys.stderr)
        return 1
    for gpu in gpus:
        details = tf.config.experimental.get_device_details(gpu)
        print(f"{gpu.name}: {details.get('device_name', 'unnamed')}")
    with tf.device("/GPU:0"):
        matrix = tf.random.normal((SIDE, SIDE))
        began = time.monotonic()
        trace = float(tf.linalg.trace(tf.matmul(matrix, matrix)))
    print(f"a product of two {SIDE}x{SIDE} matrices took {time.monotonic() - began:.2f} s; its trace is {trace:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
