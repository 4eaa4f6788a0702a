"""Images whose boxes are judged, with their groups and sides, so many at a time that arrays pay."""

from collections.abc import Sequence
from dataclasses import dataclass

from detloop.detections import ImageDetections
from detloop.records.boxes import JudgedBoxes

CHUNK_IMAGES = 512


@dataclass(frozen=True, eq=False)
class JudgedImages:
    """n images that follow each other in the order of their names.

    Attributes:
        images: as the table has them, n of them.
        groups, sides: n of each; a side is TRAIN or VALID.
        boxes: what became of their boxes.
    """

    images: Sequence[ImageDetections]
    groups: Sequence[str]
    sides: Sequence[str]
    boxes: JudgedBoxes
