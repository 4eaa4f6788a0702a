"""What a run of `detloop records` wrote, and what it left out and why."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from detloop.records.boxes import WantedBoxes
from detloop.records.report.choices import LeftOut
from detloop.records.split import TRAIN, VALID

REPORT_FILE = "report.html"
SHOWN_REASONS = 3


@dataclass(frozen=True)
class RecordsSummary:
    """Counts of one run.

    Attributes:
        output: the folder written.
        classes: names in the order of their ids, from 1.
        images: images written of each side, "train" and "valid".
        boxes: boxes written of each side.
        boxes_of_class: boxes written of each class wanted.
        unwanted_boxes: boxes left out, of each class that is not wanted.
        missing_classes: wanted classes of which the table has no box.
        negatives: images written without a box.
        clipped: boxes clipped to their image.
        without_area: boxes left out because they cover nothing of their image.
        without_boxes: images left out because no wanted box was left.
        unreadable: images left out because they could not be read.
        unreadable_examples: the first of them, as "name reason".
    """

    output: Path
    classes: tuple[str, ...]
    images: dict[str, int]
    boxes: dict[str, int]
    boxes_of_class: dict[str, int]
    unwanted_boxes: dict[str, int]
    missing_classes: tuple[str, ...]
    negatives: int
    clipped: int
    without_area: int
    without_boxes: int
    unreadable: int
    unreadable_examples: tuple[str, ...]

    def __str__(self) -> str:
        sides = ", ".join(f"{self.images[side]} images with {self.boxes[side]} boxes to {side}" for side in self.images)
        negatives = f" ({self.negatives} images without a box)" if self.negatives else ""
        lines = [
            f"wrote {sides}{negatives} in {self.output}",
            "classes: " + ", ".join(f"{name} ({self.boxes_of_class[name]} boxes)" for name in self.classes),
        ]
        if self.unwanted_boxes:
            counts = ", ".join(f"{name} ({count})" for name, count in sorted(self.unwanted_boxes.items()))
            lines.append(f"left out boxes of other classes: {counts}")
        dropped = [
            f"{self.without_boxes} images without a wanted box" if self.without_boxes else "",
            f"{self.without_area} boxes without area" if self.without_area else "",
        ]
        clipped = f"clipped {self.clipped} boxes to their image" if self.clipped else ""
        if any(dropped) or clipped:
            left_out = "left out " + ", ".join(filter(None, dropped)) if any(dropped) else ""
            lines.append("; ".join(filter(None, (left_out, clipped))))
        if self.unreadable:
            lines.append(f"left out {self.unreadable} unreadable images: {'; '.join(self.unreadable_examples)}")
        if self.missing_classes:
            lines.append(f"warning: the table has no box of {', '.join(self.missing_classes)}")
        lines.append(f"report: {self.output / REPORT_FILE}")
        return "\n".join(lines)

    def left_out(self) -> tuple[LeftOut, ...]:
        """What was left out or changed and why, for the report."""
        unwanted = sorted(self.unwanted_boxes.items(), key=lambda entry: (-entry[1], entry[0]))
        return (
            LeftOut(
                "Boxes of other classes",
                sum(self.unwanted_boxes.values()),
                "not among the classes wanted",
                tuple(f"{name}: {count:,}" for name, count in unwanted),
            ),
            LeftOut("Boxes without area", self.without_area, "they cover nothing of their image"),
            LeftOut("Boxes clipped", self.clipped, "they reached over their image's edge; what lies inside is learned"),
            LeftOut(
                "Images without a wanted box",
                self.without_boxes,
                "nothing in them to find; --keep-negatives writes them as background",
            ),
            LeftOut("Unreadable images", self.unreadable, "missing, damaged or no image", self.unreadable_examples),
        )

    def metadata(self) -> dict[str, int | float | str]:
        """The counts for a pipeline artifact."""
        return {
            "train_images": self.images[TRAIN],
            "valid_images": self.images[VALID],
            "train_boxes": self.boxes[TRAIN],
            "valid_boxes": self.boxes[VALID],
            "classes": ", ".join(self.classes),
            "negatives": self.negatives,
            "unwanted_boxes": sum(self.unwanted_boxes.values()),
            "clipped_boxes": self.clipped,
            "boxes_without_area": self.without_area,
            "images_without_boxes": self.without_boxes,
            "unreadable_images": self.unreadable,
        }


class RecordsTally:
    """Counts while a run goes on; memory does not grow with the number of images."""

    def __init__(self) -> None:
        self._images = Counter({TRAIN: 0, VALID: 0})
        self._boxes = Counter({TRAIN: 0, VALID: 0})
        self._boxes_of_class: Counter[str] = Counter()
        self._unwanted: Counter[str] = Counter()
        self._negatives = self._clipped = self._without_area = self._without_boxes = self._unreadable = 0
        self._unreadable_examples: list[str] = []

    @property
    def images_written(self) -> int:
        return self._images.total()

    def images_of(self, side: str) -> int:
        """Images written of a side so far."""
        return self._images[side]

    @property
    def first_unreadable(self) -> str:
        """The first image that could not be read and why; empty when all could."""
        return self._unreadable_examples[0] if self._unreadable_examples else ""

    def see(self, boxes: WantedBoxes) -> None:
        """Counts what was left out of an image's boxes."""
        for name in boxes.unwanted:
            self._unwanted[name] += 1
        self._clipped += boxes.clipped
        self._without_area += boxes.without_area

    def leave_out_without_boxes(self) -> None:
        self._without_boxes += 1

    def leave_out_unreadable(self, filename: str, reason: str) -> None:
        self._unreadable += 1
        if len(self._unreadable_examples) < SHOWN_REASONS:
            self._unreadable_examples.append(f"{filename} {reason}")

    def write(self, side: str, boxes: WantedBoxes) -> None:
        """Counts an image that was written."""
        self._images[side] += 1
        self._boxes[side] += len(boxes)
        for name in boxes.class_names:
            self._boxes_of_class[name] += 1
        self._negatives += not len(boxes)

    def summary(self, output: Path, classes: list[str], present: dict[str, int]) -> RecordsSummary:
        """The counts; `present` are the boxes of each class in the table."""
        return RecordsSummary(
            output=output,
            classes=tuple(classes),
            images=dict(self._images),
            boxes=dict(self._boxes),
            boxes_of_class={name: self._boxes_of_class[name] for name in classes},
            unwanted_boxes=dict(self._unwanted),
            missing_classes=tuple(name for name in classes if name not in present),
            negatives=self._negatives,
            clipped=self._clipped,
            without_area=self._without_area,
            without_boxes=self._without_boxes,
            unreadable=self._unreadable,
            unreadable_examples=tuple(self._unreadable_examples),
        )
