"""The boxes of one image that are learned: of a wanted class, clipped to the image, with an area."""

from dataclasses import dataclass

from detloop.detections import ImageDetections


@dataclass(frozen=True)
class WantedBoxes:
    """The boxes kept of one image, and what became of the others.

    Attributes:
        class_names, class_ids, scores: one a box.
        edges: one (xmin, ymin, xmax, ymax) a box, in 0..1 of the image's width and height.
        clipped: boxes kept that reached over the image's edge.
        without_area: boxes of a wanted class that cover nothing of the image.
        unwanted: the classes of the boxes left out.
    """

    class_names: tuple[str, ...]
    class_ids: tuple[int, ...]
    scores: tuple[float, ...]
    edges: tuple[tuple[float, float, float, float], ...]
    clipped: int
    without_area: int
    unwanted: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.class_ids)


def wanted_boxes(image: ImageDetections, id_of_name: dict[str, int]) -> WantedBoxes:
    """The boxes of the classes in `id_of_name`, in the table's order."""
    names, ids, scores, edges, unwanted = [], [], [], [], []
    clipped = without_area = 0
    width, height = image.width, image.height
    columns = zip(image.class_names, image.scores.tolist(), image.boxes_px.tolist(), strict=True)
    for name, score, (xmin, ymin, xmax, ymax) in columns:
        class_id = id_of_name.get(name)
        if class_id is None:
            unwanted.append(name)
            continue
        inside = (max(xmin, 0.0), max(ymin, 0.0), min(xmax, width), min(ymax, height))
        if inside[0] >= inside[2] or inside[1] >= inside[3]:
            without_area += 1
            continue
        clipped += inside != (xmin, ymin, xmax, ymax)
        names.append(name)
        ids.append(class_id)
        scores.append(score)
        edges.append((inside[0] / width, inside[1] / height, inside[2] / width, inside[3] / height))
    return WantedBoxes(tuple(names), tuple(ids), tuple(scores), tuple(edges), clipped, without_area, tuple(unwanted))
