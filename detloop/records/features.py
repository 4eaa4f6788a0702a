"""The tf.train.Example of one image, with the features that the TF Object Detection API's decoder reads."""

from detloop.examples import FeatureValues, encode_example
from detloop.records.boxes import WantedBoxes
from detloop.records.encoded import EncodedImage


def image_example(filename: str, image: EncodedImage, boxes: WantedBoxes) -> bytes:
    """A serialized Example; an image without boxes has the box features with no value in them.

    Where the boxes have weights, so has the record, and an ignored box is a crowd besides: the weight is what the
    API's training heeds, the crowd what evaluations do.

    Source of the names: object_detection/data_decoders/tf_example_decoder.py.
    """
    name = filename.encode("utf-8", "surrogateescape")
    xmins, ymins, xmaxs, ymaxs = ([edges[side] for edges in boxes.edges] for side in range(4))
    features: dict[str, FeatureValues] = {
        "image/height": [image.height],
        "image/width": [image.width],
        "image/filename": [name],
        "image/source_id": [name],
        "image/encoded": [image.data],
        "image/format": [image.format.encode()],
        "image/object/bbox/xmin": xmins,
        "image/object/bbox/xmax": xmaxs,
        "image/object/bbox/ymin": ymins,
        "image/object/bbox/ymax": ymaxs,
        "image/object/class/text": [class_name.encode() for class_name in boxes.class_names],
        "image/object/class/label": list(boxes.class_ids),
    }
    if boxes.weights is not None:
        features["image/object/weight"] = list(boxes.weights)
        features["image/object/is_crowd"] = [0] * len(boxes) + [1] * boxes.ignored
    return encode_example(features)
