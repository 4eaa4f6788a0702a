"""The tf.train.Example of an image, with the features that the TF Object Detection API's decoder reads."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from detloop.examples import FeatureValues, encode_example_with
from detloop.records.boxes import WantedBoxes
from detloop.records.encoded import EncodedImage

EDGES = ("xmin", "ymin", "xmax", "ymax")


def image_example(
    filename: str, image: EncodedImage, box_features: dict[str, FeatureValues]
) -> tuple[bytes, bytes, bytes]:
    """A serialized Example in three pieces, the middle one the image's own bytes.

    Source of the names: object_detection/data_decoders/tf_example_decoder.py.
    """
    name = filename.encode("utf-8", "surrogateescape")
    features: dict[str, FeatureValues] = {
        "image/height": [image.height],
        "image/width": [image.width],
        "image/filename": [name],
        "image/source_id": [name],
        "image/format": [image.format.encode()],
    }
    return encode_example_with("image/encoded", image.data, features | box_features)


def box_features(boxes: WantedBoxes, classes: Sequence[str]) -> Iterator[dict[str, FeatureValues]]:
    """The features of each image's boxes; an image without boxes has the same, with no value in them.

    Where the boxes have weights, so has the record, and an ignored box is a crowd besides: the weight is what the
    API's training heeds, the crowd what evaluations do.

    Args:
        classes: names in the order of their ids from 1.
    """
    texts = [name.encode() for name in classes]
    class_ids = boxes.class_ids.tolist()
    columns: dict[str, list[bytes] | list[float] | list[int]] = {
        f"image/object/bbox/{edge}": edges for edge, edges in zip(EDGES, boxes.edges.T.tolist(), strict=True)
    }
    columns["image/object/class/text"] = [texts[class_id - 1] for class_id in class_ids]
    columns["image/object/class/label"] = class_ids
    if boxes.weights is not None:
        columns["image/object/weight"] = boxes.weights.tolist()
        columns["image/object/is_crowd"] = boxes.is_ignored.astype(int).tolist()
    for start, end in pairwise(boxes.starts.tolist()):
        yield {name: values[start:end] for name, values in columns.items()}
