"""Training batches from TFRecords, with the API's own decoding, augmentation and padding.

The API's reader holds thousands of encoded images to shuffle them, and decodes 8 x batch-size at a time; this one
shuffles the records' places in their files, then reads and decodes as many images at a time as there are cores. Images
held: those, the batch being filled and those prefetched.
"""

import functools
import os
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from object_detection import inputs
from object_detection.builders import decoder_builder, image_resizer_builder, preprocessor_builder
from object_detection.core import standard_fields
from object_detection.utils import config_util

from detloop.examples import RecordPlace, read_record
from detloop.train.odapi.record_order import endless_places

PREFETCHED_BATCHES = 2
IMAGE_NAME = "detloop_image_name"
IMAGE_NAME_BYTES = 256


def _decoding_at_once() -> int:
    return os.cpu_count() or 1


def training_batches(config: Any, model: Any, records: list[Path], seed: int, batch_size: int | None = None) -> Any:
    """An endless tf.data.Dataset of (features, labels), as the API's models take them.

    features has IMAGE_NAME besides: uint8 [batch, IMAGE_NAME_BYTES], for `image_names`.

    Args:
        config: the TrainEvalPipelineConfig message.
        model: the DetectionModel, which preprocesses the images.
        records: the TFRecord files.
        seed: orders files and records; another seed gives another order.
        batch_size: images a batch; default: the config's.
    """
    reader, batch_size = config.train_input_reader, batch_size or config.train_config.batch_size
    decoder = decoder_builder.build(reader)
    transform = _transform_function(config, model)
    order = functools.partial(endless_places, records, max(reader.num_readers, 1), seed if reader.shuffle else None)
    places = tf.data.Dataset.from_generator(order, output_signature=tf.TensorSpec([3], tf.int64))
    if reader.shuffle:
        places = places.shuffle(reader.shuffle_buffer_size, seed=seed)
    images = _mapped(places, lambda place: transform(decoder.decode(_record_at(records, place))))
    return images.batch(batch_size, drop_remainder=True).prefetch(PREFETCHED_BATCHES)


def _record_at(records: list[Path], place: Any) -> Any:
    """The record's bytes as a tensor, read when a place in the files has come out of the shuffle."""

    def read(place: Any) -> bytes:
        file, offset_bytes, size_bytes = place.tolist()
        return read_record(records[file], RecordPlace(offset_bytes, size_bytes))

    return tf.ensure_shape(tf.numpy_function(read, [place], tf.string), [])


def _mapped(dataset: Any, function: Any) -> Any:
    """Maps without autograph, which takes 20 s for the API's functions, unless one of them cannot do without it.

    Most are written for graphs; random_square_crop_by_scale has a plain `if` on a tensor.
    """
    workers = _decoding_at_once()
    try:
        return dataset.map(tf.autograph.experimental.do_not_convert(function), num_parallel_calls=workers)
    except tf.errors.OperatorNotAllowedInGraphError:
        return dataset.map(function, num_parallel_calls=workers)


def _transform_function(config: Any, model: Any) -> Any:
    """Augments, resizes and pads one decoded example; source: object_detection/inputs.py, train_input."""
    train, reader = config.train_config, config.train_input_reader
    resizer = config_util.get_image_resizer_config(config.model)
    num_classes = config_util.get_number_of_classes(config.model)
    augmentations = [preprocessor_builder.build(step) for step in train.data_augmentation_options]

    def transform(tensors: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        transformed = inputs.transform_input_data(
            tensors,
            model_preprocess_fn=model.preprocess,
            image_resizer_fn=image_resizer_builder.build(resizer),
            num_classes=num_classes,
            data_augmentation_fn=functools.partial(inputs.augment_input_data, data_augmentation_options=augmentations),
            merge_multiple_boxes=train.merge_multiple_label_boxes,
            retain_original_image=train.retain_original_images,
            use_multiclass_scores=train.use_multiclass_scores,
            use_bfloat16=train.use_bfloat16,
            keypoint_type_weight=reader.keypoint_type_weight or None,
        )
        padded = inputs.pad_input_data_to_static_shapes(
            transformed,
            max_num_boxes=reader.max_number_of_boxes,
            num_classes=num_classes,
            spatial_image_shape=config_util.get_spatial_image_size(resizer),
        )
        features = inputs._get_features_dict(padded, reader.include_source_id)
        features[IMAGE_NAME] = _name_bytes(tensors[standard_fields.InputDataFields.filename])
        return features, inputs._get_labels_dict(padded)

    return transform


def _name_bytes(name: Any) -> Any:
    """A name as uint8 [IMAGE_NAME_BYTES], filled up with zeros: text cannot travel to a GPU."""
    return tf.io.decode_raw(name, tf.uint8, fixed_length=IMAGE_NAME_BYTES)


def image_names(name_bytes: np.ndarray) -> tuple[str, ...]:
    """The names in a batch's IMAGE_NAME feature; of a name longer than IMAGE_NAME_BYTES its beginning."""
    return tuple(bytes(row).rstrip(b"\0").decode("utf-8", "replace") for row in name_bytes)
