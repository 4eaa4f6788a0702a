"""The boxes of one image that are learned: of a wanted class, trusted, clipped to the image, with an area."""

from dataclasses import dataclass

from detloop.detections import ImageDetections
from detloop.errors import DetloopError
from detloop.records.trust import Standing, Trust

Edges = tuple[float, float, float, float]


@dataclass(frozen=True)
class WantedBoxes:
    """The boxes kept of one image, objects first, and what became of the others.

    Attributes:
        class_names, class_ids, scores: one a box.
        edges: one (xmin, ymin, xmax, ymax) a box, in 0..1 of the image's width and height.
        weights: one a box, 0 for the ignored; None where the records are to have none.
        ignored: how many of the boxes, the last ones, are neither object nor background.
        clipped: boxes kept that reached over the image's edge.
        without_area: boxes of a wanted class that cover nothing of the image.
        unwanted: the classes of the boxes left out.
        distrusted: the classes of the wanted boxes left out because of their score.
    """

    class_names: tuple[str, ...]
    class_ids: tuple[int, ...]
    scores: tuple[float, ...]
    edges: tuple[Edges, ...]
    weights: tuple[float, ...] | None
    ignored: int
    clipped: int
    without_area: int
    unwanted: tuple[str, ...]
    distrusted: tuple[str, ...]

    def __len__(self) -> int:
        """How many objects there are; the ignored boxes do not count."""
        return len(self.class_ids) - self.ignored

    @property
    def object_names(self) -> tuple[str, ...]:
        """The classes of the objects."""
        return self.class_names[: len(self)]


def wanted_boxes(image: ImageDetections, id_of_name: dict[str, int], trust: Trust) -> WantedBoxes:
    """The boxes of the classes in `id_of_name` that `trust` keeps: objects, then ignored ones, in the table's order.

    Ignored boxes stand last, so that a reader that takes no more than so many boxes an image drops them first.

    Raises:
        DetloopError: an object's score is no weight, and weights are wanted.
    """
    objects: list[tuple[str, float, Edges, float]] = []
    ignored: list[tuple[str, float, Edges, float]] = []
    unwanted, distrusted = [], []
    clipped = without_area = 0
    columns = zip(image.class_names, image.scores.tolist(), image.boxes_px.tolist(), strict=True)
    for name, score, box_px in columns:
        if name not in id_of_name:
            unwanted.append(name)
            continue
        standing = trust.standing(name, score)
        if standing is Standing.DROPPED:
            distrusted.append(name)
            continue
        inside = _inside(box_px, image.width, image.height)
        if inside[0] >= inside[2] or inside[1] >= inside[3]:
            without_area += 1
            continue
        clipped += inside != tuple(box_px)
        edges = _relative(inside, image.width, image.height)
        if standing is Standing.OBJECT:
            objects.append((name, score, edges, _weight(trust, score, image.filename)))
        else:
            ignored.append((name, score, edges, 0.0))
    kept = [*objects, *ignored]
    return WantedBoxes(
        class_names=tuple(name for name, _, _, _ in kept),
        class_ids=tuple(id_of_name[name] for name, _, _, _ in kept),
        scores=tuple(score for _, score, _, _ in kept),
        edges=tuple(edges for _, _, edges, _ in kept),
        weights=tuple(weight for _, _, _, weight in kept) if trust.writes_weights else None,
        ignored=len(ignored),
        clipped=clipped,
        without_area=without_area,
        unwanted=tuple(unwanted),
        distrusted=tuple(distrusted),
    )


def _inside(box_px: list[float], width: int, height: int) -> Edges:
    xmin, ymin, xmax, ymax = box_px
    return max(xmin, 0.0), max(ymin, 0.0), min(xmax, width), min(ymax, height)


def _relative(box_px: Edges, width: int, height: int) -> Edges:
    return box_px[0] / width, box_px[1] / height, box_px[2] / width, box_px[3] / height


def _weight(trust: Trust, score: float, filename: str) -> float:
    try:
        return trust.weight(score)
    except DetloopError as error:
        raise DetloopError(f"{filename}: {error}") from None
