"""What a run of `detloop detect` found."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from detloop.detect.views import ViewOptions, views_of
from detloop.detections import ImageRow
from detloop.labels import UNKNOWN_CLASS

SHOWN_UNREADABLE = 3
SHOWN_CLASSES = 10


@dataclass(frozen=True)
class DetectSummary:
    """Counts of one run.

    Attributes:
        output: the detections table; images.csv lies beside it.
        images: images looked at, the unreadable ones included.
        boxes_of_class: boxes written of each class, most frequent first.
        unreadable: images that could not be read.
        unreadable_examples: the first of them, as "name: reason".
        passes: views that the model ran on, over all readable images.
        seen_whole: images not larger than the tiles, of which the whole frame is the only window; 0 without tiles.
        images_before: images of an earlier, interrupted run that this one went on with.
        seconds: how long this run took from its first image to its last; loading the model is not in it.
    """

    output: Path
    images: int
    boxes_of_class: dict[str, int]
    unreadable: int
    unreadable_examples: tuple[str, ...]
    passes: int
    seen_whole: int
    images_before: int
    seconds: float

    @property
    def boxes(self) -> int:
        return sum(self.boxes_of_class.values())

    @property
    def images_per_second(self) -> float:
        return (self.images - self.images_before) / max(self.seconds, 1e-9)

    @property
    def passes_per_image(self) -> float:
        """Mean over the readable images."""
        return self.passes / max(self.images - self.unreadable, 1)

    def __str__(self) -> str:
        before = f" ({self.images_before} of them by an earlier, interrupted run)" if self.images_before else ""
        lines = [
            f"found {self.boxes} boxes in {self.images} images{before}; written to {self.output}",
            f"{self.images_per_second:.1f} images/s, {self._passes()}{self.seconds:.1f} s",
        ]
        if self.boxes_of_class:
            lines.insert(1, f"classes: {self._classes()}")
        if self.unreadable:
            more = "; ..." if self.unreadable > len(self.unreadable_examples) else ""
            examples = "; ".join(self.unreadable_examples) + more
            lines.append(f"could not read {self.unreadable} images, see images.csv: {examples}")
        if self.seen_whole:
            lines.append(f"warning: {self.seen_whole} images are not larger than the tile; they were seen whole alone")
        if unknown := self.boxes_of_class.get(UNKNOWN_CLASS):
            lines.append(
                f"warning: {unknown} boxes are of classes that the label map lacks, written as {UNKNOWN_CLASS};"
                " is it this model's label map?"
            )
        return "\n".join(lines)

    def _passes(self) -> str:
        if self.passes_per_image <= 1:
            return ""
        return f"{self.passes_per_image:.4g} passes an image, "

    def _classes(self) -> str:
        counts = counted_classes(self.boxes_of_class)
        return ", ".join(counts[:SHOWN_CLASSES]) + (", ..." if len(counts) > SHOWN_CLASSES else "")

    def metadata(self) -> dict[str, int | float | str]:
        """The counts for a pipeline artifact."""
        return {
            "images": self.images,
            "boxes": self.boxes,
            "classes": ", ".join(counted_classes(self.boxes_of_class)),
            "unreadable_images": self.unreadable,
            "passes_per_image": round(self.passes_per_image, 2),
            "images_per_second": round(self.images_per_second, 2),
            "seconds": round(self.seconds, 2),
        }


def counted_classes(boxes_of_class: Mapping[str, int]) -> list[str]:
    """Each class with the number of its boxes, as `person (12)`."""
    return [f"{name} ({count})" for name, count in boxes_of_class.items()]


class DetectTally:
    """Counts while a run goes on; memory does not grow with the number of images."""

    def __init__(self, views: ViewOptions) -> None:
        self.images = 0
        self._views = views
        self._passes = self._seen_whole = 0
        self._boxes_of_class: Counter[str] = Counter()
        self._unreadable = 0
        self._unreadable_examples: list[str] = []

    @property
    def boxes(self) -> int:
        return self._boxes_of_class.total()

    def see_image(self, row: ImageRow) -> None:
        """Counts an image of the images table."""
        self.images += 1
        if row.error:
            self._unreadable += 1
            if len(self._unreadable_examples) < SHOWN_UNREADABLE:
                self._unreadable_examples.append(f"{row.filename}: {row.error}")
            return
        views = views_of((row.width, row.height), self._views)
        self._passes += len(views)
        self._seen_whole += self._views.tile_wh is not None and len(views) == 1 + self._views.flip

    def see_boxes(self, class_names: Iterable[str]) -> None:
        """Counts boxes of the detections table."""
        self._boxes_of_class.update(class_names)

    def summary(self, output: Path, images_before: int, seconds: float) -> DetectSummary:
        return DetectSummary(
            output=output,
            images=self.images,
            boxes_of_class=dict(self._boxes_of_class.most_common()),
            unreadable=self._unreadable,
            unreadable_examples=tuple(self._unreadable_examples),
            passes=self._passes,
            seen_whole=self._seen_whole,
            images_before=images_before,
            seconds=seconds,
        )
