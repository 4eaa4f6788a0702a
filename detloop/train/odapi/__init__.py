"""The TF Object Detection API on current TensorFlow."""
