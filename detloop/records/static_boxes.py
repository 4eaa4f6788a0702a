"""Boxes that a fixed camera shows at the same place in most of its images: most likely the teacher's mistake.

The idea is MegaDetector's repeat detection elimination (github.com/agentmorris/MegaDetector, postprocessing): a stone
that is taken for an animal is so again and again, to the pixel. A parked car stands still, too, which is why boxes are
only listed unless it is asked otherwise.

Two readings of the table, in memory that grows with the scenes alone: the first keeps the boxes of a few images of each
scene, picked by the hash of their names; a box that is in half of a scene's images is in one of SAMPLED_IMAGES with a
probability of 1 - 2^-SAMPLED_IMAGES. The second counts the images that have them. A scene is an image size, or a group
of one size.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from detloop.detections import ImageDetections
from detloop.iou import box_iou
from detloop.records.split import hash_fraction

SAME_IOU = 0.9
LEAST_SHARE = 0.5
FEWEST_IMAGES = 10
SAMPLED_IMAGES = 24
MOST_BOXES = 1000
SHOWN_IMAGES = 3

Scene = tuple[int, int, str]


@dataclass(frozen=True)
class StaticBox:
    """A box at one place of a scene.

    Attributes:
        class_name: its class.
        box_px: xmin, ymin, xmax, ymax in pixels.
        images: images of the scene that have a box of its class there.
        of_images: images of the scene that have any box.
        image_wh: the images' size in pixels.
        group: the images' group; empty where there are none.
        examples: the first of those images.
    """

    class_name: str
    box_px: tuple[float, float, float, float]
    images: int
    of_images: int
    image_wh: tuple[int, int]
    group: str
    examples: tuple[str, ...]

    def __str__(self) -> str:
        place = ",".join(f"{edge:g}" for edge in self.box_px)
        where = f" of {self.group}" if self.group else ""
        return (
            f"{self.class_name} at {place} in {self.images} of {self.of_images} images{where},"
            f" such as {', '.join(self.examples)}"
        )


@dataclass
class _Hypothesis:
    class_name: str
    box_px: np.ndarray
    images: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class StaticBoxes:
    """The static boxes found, and the scene of an image."""

    found: tuple[StaticBox, ...]
    group_of: Callable[[str], str]

    def without(self, images: Iterable[ImageDetections]) -> Iterator[ImageDetections]:
        """The images without their static boxes."""
        of_scene: dict[Scene, list[StaticBox]] = defaultdict(list)
        for box in self.found:
            of_scene[(*box.image_wh, box.group)].append(box)
        for image in images:
            there = of_scene.get((image.width, image.height, self.group_of(image.filename)))
            yield _without(image, there) if there and len(image) else image


def find_static_boxes(
    read_images: Callable[[], Iterator[ImageDetections]], group_of: Callable[[str], str]
) -> StaticBoxes:
    """The boxes that at least LEAST_SHARE of a scene's images have, at an IoU of SAME_IOU or more; the commonest first.

    Args:
        read_images: starts a reading of the images, with those boxes alone that count.
        group_of: the group of an image by its name; "" for all where there are no groups.
    """
    hypotheses = _hypotheses(read_images(), group_of)
    images_of: Counter[Scene] = Counter()
    for image in read_images():
        scene = (image.width, image.height, group_of(image.filename))
        images_of[scene] += 1
        _count(hypotheses[scene], image)
    found = [
        StaticBox(
            one.class_name,
            tuple(one.box_px.tolist()),
            one.images,
            images_of[scene],
            scene[:2],
            scene[2],
            tuple(one.examples),
        )
        for scene, ones in hypotheses.items()
        for one in ones
        if images_of[scene] >= FEWEST_IMAGES and one.images >= LEAST_SHARE * images_of[scene]
    ]
    return StaticBoxes(tuple(sorted(found, key=lambda box: -box.images / box.of_images)), group_of)


def _hypotheses(
    images: Iterator[ImageDetections], group_of: Callable[[str], str]
) -> defaultdict[Scene, list[_Hypothesis]]:
    """The different boxes of the sampled images of each scene."""
    sampled: defaultdict[Scene, list[tuple[float, str, ImageDetections]]] = defaultdict(list)
    for image in images:
        kept = sampled[(image.width, image.height, group_of(image.filename))]
        entry = (-hash_fraction(image.filename), image.filename, image)
        if len(kept) < SAMPLED_IMAGES:
            heapq.heappush(kept, entry)
        elif entry > kept[0]:
            heapq.heapreplace(kept, entry)
    hypotheses: defaultdict[Scene, list[_Hypothesis]] = defaultdict(list)
    for scene, kept in sampled.items():
        for _, _, image in sorted(kept, reverse=True):
            _add_new(hypotheses[scene], image)
    return hypotheses


def _add_new(known: list[_Hypothesis], image: ImageDetections) -> None:
    """Adds the boxes that are not nearly one that is known."""
    for name, box in zip(image.class_names, image.boxes_px, strict=True):
        alike = [one for one in known if one.class_name == name]
        if alike and box_iou(box[np.newaxis], np.stack([one.box_px for one in alike])).max() >= SAME_IOU:
            continue
        if len(known) < MOST_BOXES:
            known.append(_Hypothesis(name, box))


def _count(hypotheses: list[_Hypothesis], image: ImageDetections) -> None:
    """Counts the image for each hypothesis that it bears out."""
    if not hypotheses or not len(image):
        return
    overlaps = box_iou(np.stack([one.box_px for one in hypotheses]), image.boxes_px) >= SAME_IOU
    for row in np.flatnonzero(overlaps.any(axis=1)).tolist():
        one = hypotheses[row]
        if any(image.class_names[column] == one.class_name for column in np.flatnonzero(overlaps[row])):
            one.images += 1
            if len(one.examples) < SHOWN_IMAGES:
                one.examples.append(image.filename)


def _without(image: ImageDetections, static: list[StaticBox]) -> ImageDetections:
    overlaps = box_iou(image.boxes_px, np.array([box.box_px for box in static])) >= SAME_IOU
    names = [box.class_name for box in static]
    kept = [
        not any(hit and name == names[column] for column, hit in enumerate(row))
        for name, row in zip(image.class_names, overlaps, strict=True)
    ]
    return image.chosen(np.array(kept, dtype=bool))
