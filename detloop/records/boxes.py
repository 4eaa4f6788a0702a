"""The boxes that are learned: of a wanted class, trusted, clipped to their image, with an area."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from detloop.detections import ImageDetections
from detloop.errors import DetloopError
from detloop.records.trust import Trust


@dataclass(frozen=True)
class WantedBoxes:
    """The m boxes kept of n images, image after image, of each its objects first, then those to ignore.

    Attributes:
        starts: int64 [n + 1]; the boxes of image i are those from starts[i] up to starts[i + 1].
        class_ids: int64 [m].
        scores: float64 [m].
        edges: float64 [m, 4], xmin, ymin, xmax, ymax in 0..1 of the image's width and height.
        is_ignored: bool [m], whether a box is neither object nor background.
        weights: float64 [m], 0 for the ignored; None where the records are to have none.
    """

    starts: np.ndarray
    class_ids: np.ndarray
    scores: np.ndarray
    edges: np.ndarray
    is_ignored: np.ndarray
    weights: np.ndarray | None

    @property
    def image_of_box(self) -> np.ndarray:
        """The image, int64 [m] from 0, of each box."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def count_by_image(self, is_counted: np.ndarray) -> np.ndarray:
        """How many of the boxes that a mask, bool [m], chooses each image has, int64 [n]."""
        return np.bincount(self.image_of_box[is_counted], minlength=len(self.starts) - 1)

    def of_images(self, rows: Sequence[int]) -> "WantedBoxes":
        """A copy of the boxes of some images, given in ascending order."""
        is_chosen = np.zeros(len(self.starts) - 1, dtype=bool)
        is_chosen[rows] = True
        boxes = is_chosen[self.image_of_box]
        return WantedBoxes(
            np.concatenate([[0], np.diff(self.starts)[rows].cumsum()]),
            self.class_ids[boxes],
            self.scores[boxes],
            self.edges[boxes],
            self.is_ignored[boxes],
            self.weights[boxes] if self.weights is not None else None,
        )


@dataclass(frozen=True)
class JudgedBoxes:
    """What became of the boxes of some images.

    Attributes:
        wanted: those that are kept.
        known_ids, known_scores: int64 [k] and float64 [k], class and score of all boxes of the classes wanted.
        clipped: boxes kept that reached over the image's edge.
        without_area: boxes of a wanted class that cover nothing of the image.
        unwanted: boxes left out of each class that is not wanted.
        distrusted: boxes of each wanted class left out because of their score.
    """

    wanted: WantedBoxes
    known_ids: np.ndarray
    known_scores: np.ndarray
    clipped: int
    without_area: int
    unwanted: Counter[str]
    distrusted: Counter[str]


def judge_boxes(images: Sequence[ImageDetections], id_of_name: Mapping[str, int], trust: Trust) -> JudgedBoxes:
    """Keeps the boxes of the classes in `id_of_name` that `trust` keeps: objects, then ignored ones, in table order.

    Ignored boxes stand last, so that a reader that takes no more than so many boxes an image drops them first.

    Raises:
        DetloopError: an object's score is no weight, and weights are wanted.
    """
    names = list(chain.from_iterable(image.class_names for image in images))
    class_ids = np.array([id_of_name.get(name, 0) for name in names], dtype=np.int64)
    scores = np.concatenate([np.zeros(0), *(image.scores for image in images)])
    boxes_px = np.concatenate([np.zeros((0, 4)), *(image.boxes_px for image in images)])
    image_of_box = np.repeat(np.arange(len(images)), [len(image) for image in images])
    whwh = np.array([(image.width, image.height) * 2 for image in images], dtype=np.int64)[image_of_box]

    is_object, is_ignored = trust.judge(names, scores)
    is_known = class_ids > 0
    is_trusted = is_known & (is_object | is_ignored)
    inside_px = boxes_px.clip(0, whwh)
    has_area = (inside_px[:, :2] < inside_px[:, 2:]).all(axis=1)
    kept = np.flatnonzero(is_trusted & has_area)
    kept = kept[np.lexsort((is_ignored[kept], image_of_box[kept]))]
    wanted = WantedBoxes(
        starts=np.searchsorted(image_of_box[kept], np.arange(len(images) + 1)),
        class_ids=class_ids[kept],
        scores=scores[kept],
        edges=inside_px[kept] / whwh[kept],
        is_ignored=is_ignored[kept],
        weights=np.where(is_ignored, 0.0, trust.weights(scores))[kept] if trust.writes_weights else None,
    )
    _check_weights(wanted, images)
    return JudgedBoxes(
        wanted=wanted,
        known_ids=class_ids[is_known],
        known_scores=scores[is_known],
        clipped=int((inside_px != boxes_px)[kept].any(axis=1).sum()),
        without_area=int((is_trusted & ~has_area).sum()),
        unwanted=_count_names(names, ~is_known),
        distrusted=_count_names(names, is_known & ~is_trusted),
    )


def _check_weights(wanted: WantedBoxes, images: Sequence[ImageDetections]) -> None:
    if wanted.weights is None or not np.isnan(wanted.weights).any():
        return
    box = int(np.isnan(wanted.weights).argmax())
    raise DetloopError(
        f"{images[wanted.image_of_box[box]].filename}: a box has score {wanted.scores[box]:g};"
        " --score-weights needs scores above 0 and up to 1"
    )


def _count_names(names: Sequence[str], is_counted: np.ndarray) -> Counter[str]:
    return Counter(names[box] for box in np.flatnonzero(is_counted).tolist())
