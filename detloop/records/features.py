"""The tf.train.Example of an image, with the features that the TF Object Detection API's decoder reads.

Source of their names: object_detection/data_decoders/tf_example_decoder.py. They stand in the order of their names.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from detloop.examples import (
    BYTES,
    FLOATS,
    INTS,
    encode_bytes,
    encode_example_with,
    encode_feature,
    encode_floats,
    encode_int,
)
from detloop.records.boxes import WantedBoxes
from detloop.records.encoded import EncodedImage

EDGES = (("xmax", 2), ("xmin", 0), ("ymax", 3), ("ymin", 1))
FLOAT_BYTES = 4


def image_example(filename: str, image: EncodedImage, of_boxes: bytes) -> tuple[bytes, bytes, bytes]:
    """A serialized Example in three pieces, the middle one the image's own bytes; `of_boxes` is by `box_features`."""
    name = encode_bytes(filename.encode("utf-8", "surrogateescape"))
    image_format, height, width = _header_features(image.format, image.height, image.width)
    others = (
        encode_feature("image/filename", BYTES, name),
        image_format,
        height,
        of_boxes,
        encode_feature("image/source_id", BYTES, name),
        width,
    )
    return encode_example_with("image/encoded", image.data, b"".join(others))


@lru_cache(maxsize=1024)
def _header_features(image_format: str, height: int, width: int) -> tuple[bytes, bytes, bytes]:
    return (
        encode_feature("image/format", BYTES, encode_bytes(image_format.encode())),
        encode_feature("image/height", INTS, encode_int(height)),
        encode_feature("image/width", INTS, encode_int(width)),
    )


def box_features(boxes: WantedBoxes, classes: Sequence[str]) -> Iterator[bytes]:
    """The features of each image's boxes; an image without boxes has the same, with no value in them.

    Where the boxes have weights, so has the record, and an ignored box is a crowd besides: the weight is what the
    API's training heeds, the crowd what evaluations do.

    Args:
        classes: names in the order of their ids from 1.
    """
    edges = [(f"image/object/bbox/{name}", encode_floats(boxes.edges[:, side])) for name, side in EDGES]
    ids, texts = _encoded_classes(classes)
    class_ids, ignored = boxes.class_ids.tolist(), boxes.is_ignored.tolist()
    weights = encode_floats(boxes.weights) if boxes.weights is not None else None
    for start, end in pairwise(boxes.starts.tolist()):
        floats, of_image = slice(FLOAT_BYTES * start, FLOAT_BYTES * end), class_ids[start:end]
        features = [encode_feature(name, FLOATS, values[floats]) for name, values in edges]
        features += (
            encode_feature("image/object/class/label", INTS, b"".join([ids[class_id] for class_id in of_image])),
            encode_feature("image/object/class/text", BYTES, b"".join([texts[class_id] for class_id in of_image])),
        )
        if weights is not None:
            features += (
                encode_feature("image/object/is_crowd", INTS, bytes(ignored[start:end])),
                encode_feature("image/object/weight", FLOATS, weights[floats]),
            )
        yield b"".join(features)


def _encoded_classes(classes: Sequence[str]) -> tuple[list[bytes], list[bytes]]:
    """The encoded id and the encoded name of each class, by its id; ids begin at 1."""
    return [encode_int(class_id) for class_id in range(len(classes) + 1)], [
        b"",
        *(encode_bytes(name.encode()) for name in classes),
    ]
