"""Counts of a data set's images and boxes in fixed bins."""

from dataclasses import dataclass, fields

import numpy as np

from detloop.records.report.bins import (
    ASPECT_BINS,
    MOST_BOXES,
    PLACES,
    SCORE_BINS,
    SIDE_PX_BINS,
    SIZE_PX_BINS,
    SIZE_SHARE_BINS,
    score_index,
)

SIDES = 2
"""Train and valid, in this order wherever a count has a side."""


@dataclass(frozen=True)
class WrittenImages:
    """What was written of n images with m boxes, as arrays.

    Attributes:
        sides: int [n], 0 train, 1 valid.
        sizes_wh: int [n, 2], width and height in pixels.
        image_of_box: int [m].
        classes: int [m], from 0.
        edges: float [m, 4], xmin, ymin, xmax, ymax in 0..1 of the image.
    """

    sides: np.ndarray
    sizes_wh: np.ndarray
    image_of_box: np.ndarray
    classes: np.ndarray
    edges: np.ndarray


@dataclass(frozen=True)
class Counts:
    """All int64 arrays; C is the number of classes.

    Attributes:
        images, negatives: [sides], images written, and those of them without a box.
        boxes, images_with: [sides, C], boxes of each class, and images with one or more.
        ignored: [C], boxes written as neither object nor background, which no other count but `scores` holds.
        boxes_per_image: [sides, MOST_BOXES + 1].
        sizes_px, sizes_share: [sides, bins], the square root of the boxes' area, in pixels and over that of the image.
        aspects: [sides, bins], width over height in pixels.
        shapes_px: [bins, bins], width and height in pixels.
        cover: [PLACES + 1, PLACES + 1], +1 and -1 at the corners of each box, rows downwards; its cumulative sum in
            both directions is how many boxes cover each cell of the image.
        scores: [C, SCORE_BINS], of all boxes in the table, learned or not.
        sizes_sum_wh: [2], the sum of the images' widths and of their heights in pixels.
    """

    images: np.ndarray
    negatives: np.ndarray
    boxes: np.ndarray
    images_with: np.ndarray
    ignored: np.ndarray
    boxes_per_image: np.ndarray
    sizes_px: np.ndarray
    sizes_share: np.ndarray
    aspects: np.ndarray
    shapes_px: np.ndarray
    cover: np.ndarray
    scores: np.ndarray
    sizes_sum_wh: np.ndarray

    @classmethod
    def zero(cls, classes: int) -> "Counts":
        """Nothing counted yet."""
        shapes: dict[str, tuple[int, ...]] = {
            "images": (SIDES,),
            "negatives": (SIDES,),
            "boxes": (SIDES, classes),
            "images_with": (SIDES, classes),
            "ignored": (classes,),
            "boxes_per_image": (SIDES, MOST_BOXES + 1),
            "sizes_px": (SIDES, len(SIZE_PX_BINS)),
            "sizes_share": (SIDES, len(SIZE_SHARE_BINS)),
            "aspects": (SIDES, len(ASPECT_BINS)),
            "shapes_px": (len(SIDE_PX_BINS), len(SIDE_PX_BINS)),
            "cover": (PLACES + 1, PLACES + 1),
            "scores": (classes, SCORE_BINS),
            "sizes_sum_wh": (2,),
        }
        return cls(**{name: np.zeros(shape, np.int64) for name, shape in shapes.items()})

    def merge(self, other: "Counts") -> None:
        """Adds what another part of the data set gave."""
        for field in fields(self):
            mine: np.ndarray = getattr(self, field.name)
            mine += getattr(other, field.name)

    def add_scores(self, classes: np.ndarray, scores: np.ndarray) -> None:
        """Counts m boxes of the table: their classes, int [m] from 0, and scores, float [m]."""
        _add(self.scores, classes, score_index(scores))

    def add_images(self, written: WrittenImages) -> None:
        """Counts images that were written and their boxes, without the ignored ones."""
        boxes = np.bincount(written.image_of_box, minlength=len(written.sides))
        sides = written.sides[written.image_of_box]
        _add(self.images, written.sides)
        _add(self.negatives, written.sides[boxes == 0])
        _add(self.boxes_per_image, written.sides, boxes.clip(0, MOST_BOXES))
        _add(self.boxes, sides, written.classes)
        of_an_image = np.unique(written.image_of_box * len(self.ignored) + written.classes)
        images, classes = np.divmod(of_an_image, len(self.ignored))
        _add(self.images_with, written.sides[images], classes)
        self.sizes_sum_wh[:] += written.sizes_wh.sum(axis=0)
        self._add_shapes(sides, written.edges, written.sizes_wh[written.image_of_box])
        self._add_places(written.edges)

    def _add_shapes(self, sides: np.ndarray, edges: np.ndarray, sizes_wh: np.ndarray) -> None:
        shares_wh = edges[:, 2:] - edges[:, :2]
        box_wh = shares_wh * sizes_wh
        _add(self.sizes_share, sides, SIZE_SHARE_BINS.index(np.sqrt(shares_wh.prod(axis=1))))
        _add(self.sizes_px, sides, SIZE_PX_BINS.index(np.sqrt(box_wh.prod(axis=1))))
        _add(self.aspects, sides, ASPECT_BINS.index(box_wh[:, 0] / box_wh[:, 1]))
        _add(self.shapes_px, SIDE_PX_BINS.index(box_wh[:, 0]), SIDE_PX_BINS.index(box_wh[:, 1]))

    def _add_places(self, edges: np.ndarray) -> None:
        left, top = np.floor(edges[:, :2] * PLACES).astype(np.int64).clip(0, PLACES - 1).T
        right, bottom = np.ceil(edges[:, 2:] * PLACES).astype(np.int64).clip(1, PLACES).T
        for rows, columns, amount in ((top, left, 1), (top, right, -1), (bottom, left, -1), (bottom, right, 1)):
            _add(self.cover, rows, columns, amount=amount)


def _add(counts: np.ndarray, *indices: np.ndarray, amount: int = 1) -> None:
    """Adds `amount` at each index, as often as it comes up."""
    flat = np.ravel_multi_index(indices, counts.shape)
    counts += amount * np.bincount(flat, minlength=counts.size).reshape(counts.shape)
