"""What a run of `detloop records` wrote, and what it left out and why."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from detloop.records.boxes import JudgedBoxes
from detloop.records.near_duplicates import NearDuplicates
from detloop.records.report.choices import LeftOut
from detloop.records.report.counts import Counts
from detloop.records.split import TRAIN, VALID
from detloop.records.static_boxes import StaticBox
from detloop.records.thresholds import ClassThreshold
from detloop.records.trust import Trust

REPORT_FILE = "report.html"
SHOWN_REASONS = 3
SHOWN_STATIC_BOXES = 5


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
        thresholds: what a box's score had to exceed, a class each and why; empty where no score counted.
        ignore_from: where the band of boxes to ignore, up to the thresholds, begins; None where there is none.
        distrusted_boxes: boxes of each class left out because of their score.
        ignored_boxes: boxes of each class written as neither object nor background.
        missing_classes: wanted classes of which the table has no box.
        negatives: images written without a box.
        clipped: boxes clipped to their image.
        without_area: boxes left out because they cover nothing of their image.
        without_boxes: images left out because they had no wanted box.
        only_uncertain: images left out because all their wanted boxes were too uncertain to be objects, but not
            uncertain enough to call the image empty.
        surplus_negatives: images without an object left out because there were more than asked for.
        near_duplicates: images that look alike across the split; None where none were looked for.
        static_boxes: boxes at one place in most images; None where none were looked for.
        static_boxes_dropped: whether these were left out of the records.
        unreadable: images left out because they could not be read.
        unreadable_examples: the first of them, as "name reason".
    """

    output: Path
    classes: tuple[str, ...]
    images: dict[str, int]
    boxes: dict[str, int]
    boxes_of_class: dict[str, int]
    unwanted_boxes: dict[str, int]
    thresholds: tuple[ClassThreshold, ...]
    ignore_from: float | None
    distrusted_boxes: dict[str, int]
    ignored_boxes: dict[str, int]
    missing_classes: tuple[str, ...]
    negatives: int
    clipped: int
    without_area: int
    without_boxes: int
    only_uncertain: int
    surplus_negatives: int
    near_duplicates: NearDuplicates | None
    static_boxes: tuple[StaticBox, ...] | None
    static_boxes_dropped: bool
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
            lines.append(f"left out boxes of other classes: {_counts(self.unwanted_boxes)}")
        lines.extend(self._trust_lines())
        dropped = [
            f"{self.without_boxes} images without a wanted box" if self.without_boxes else "",
            f"{self.only_uncertain} images with uncertain boxes only" if self.only_uncertain else "",
            f"{self.without_area} boxes without area" if self.without_area else "",
            f"{self.surplus_negatives} negatives more than asked for" if self.surplus_negatives else "",
        ]
        clipped = f"clipped {self.clipped} boxes to their image" if self.clipped else ""
        if any(dropped) or clipped:
            left_out = "left out " + ", ".join(filter(None, dropped)) if any(dropped) else ""
            lines.append("; ".join(filter(None, (left_out, clipped))))
        if self.unreadable:
            lines.append(f"left out {self.unreadable} unreadable images: {'; '.join(self.unreadable_examples)}")
        lines.extend(self._static_lines())
        if self.near_duplicates is not None:
            lines.append(str(self.near_duplicates))
        if self.missing_classes:
            lines.append(f"warning: the table has no box of {', '.join(self.missing_classes)}")
        lines.append(f"report: {self.output / REPORT_FILE}")
        return "\n".join(lines)

    def _trust_lines(self) -> list[str]:
        """The thresholds and what they did."""
        lines = [f"threshold of {one.class_name}: {one.threshold:.6g} ({one.reason})" for one in self.thresholds]
        if self.distrusted_boxes:
            lines.append(f"left out boxes of low score: {_counts(self.distrusted_boxes)}")
        if self.ignored_boxes:
            lines.append(f"wrote boxes to ignore: {_counts(self.ignored_boxes)}")
        elif self.ignore_from is not None:
            lines.append(
                f"warning: no box to ignore; detect with a threshold below {self.ignore_from:g}, if it was a higher one"
            )
        return lines

    def _static_lines(self) -> list[str]:
        if self.static_boxes is None:
            return []
        if not self.static_boxes:
            return ["no static boxes"]
        did = "left out" if self.static_boxes_dropped else "found"
        shown = [f"  {box}" for box in self.static_boxes[:SHOWN_STATIC_BOXES]]
        return [f"{did} {len(self.static_boxes)} static boxes:", *shown]

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
            LeftOut(
                "Boxes of low score",
                sum(self.distrusted_boxes.values()),
                "not above their class's threshold; where they lie is background",
                tuple(f"{name}: {count:,}" for name, count in sorted(self.distrusted_boxes.items())),
            ),
            LeftOut(
                "Boxes ignored",
                sum(self.ignored_boxes.values()),
                "between --ignore-from and the threshold: neither object nor background",
                tuple(f"{name}: {count:,}" for name, count in sorted(self.ignored_boxes.items())),
            ),
            LeftOut(
                "Static boxes",
                len(self.static_boxes or ()),
                "at one place in most images; "
                + ("left out" if self.static_boxes_dropped else "only found, and learned"),
                tuple(map(str, self.static_boxes or ())),
            ),
            LeftOut(
                "Near-duplicates across the split",
                self.near_duplicates.images if self.near_duplicates else 0,
                str(self.near_duplicates or ""),
                tuple(f"{one.valid} ~ {one.train}" for one in self.near_duplicates.examples)
                if self.near_duplicates
                else (),
            ),
            LeftOut("Images with uncertain boxes only", self.only_uncertain, "nobody knows whether they are empty"),
            LeftOut("Surplus images without a box", self.surplus_negatives, "more than --negative-ratio allows"),
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
            "thresholds": ", ".join(f"{one.class_name}={one.threshold:.6g}" for one in self.thresholds),
            "boxes_of_low_score": sum(self.distrusted_boxes.values()),
            "ignored_boxes": sum(self.ignored_boxes.values()),
            "clipped_boxes": self.clipped,
            "boxes_without_area": self.without_area,
            "images_without_boxes": self.without_boxes,
            "images_with_uncertain_boxes_only": self.only_uncertain,
            "surplus_negatives": self.surplus_negatives,
            "near_duplicates": self.near_duplicates.images if self.near_duplicates else 0,
            "static_boxes": len(self.static_boxes or ()),
            "unreadable_images": self.unreadable,
        }


def _counts(boxes_of_class: dict[str, int]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in sorted(boxes_of_class.items()))


class RecordsTally:
    """Counts what is left out while a run goes on; memory does not grow with the number of images."""

    def __init__(self) -> None:
        self._unwanted: Counter[str] = Counter()
        self._distrusted: Counter[str] = Counter()
        self._clipped = self._without_area = self._unreadable = 0
        self._without_boxes = self._only_uncertain = self._surplus_negatives = 0
        self._unreadable_examples: list[str] = []

    @property
    def first_unreadable(self) -> str:
        """The first image that could not be read and why; empty when all could."""
        return self._unreadable_examples[0] if self._unreadable_examples else ""

    def see(self, boxes: JudgedBoxes) -> None:
        """Counts what was left out of some images' boxes."""
        self._unwanted += boxes.unwanted
        self._distrusted += boxes.distrusted
        self._clipped += boxes.clipped
        self._without_area += boxes.without_area

    def leave_out_without_boxes(self) -> None:
        self._without_boxes += 1

    def leave_out_only_uncertain(self) -> None:
        self._only_uncertain += 1

    def leave_out_negative(self) -> None:
        self._surplus_negatives += 1

    def leave_out_unreadable(self, filename: str, reason: str) -> None:
        self._unreadable += 1
        if len(self._unreadable_examples) < SHOWN_REASONS:
            self._unreadable_examples.append(f"{filename} {reason}")

    def summary(
        self,
        *,
        output: Path,
        classes: list[str],
        written: Counts,
        present: dict[str, int],
        trust: Trust,
        near_duplicates: NearDuplicates | None,
        static_boxes: tuple[StaticBox, ...] | None,
        static_boxes_dropped: bool,
    ) -> RecordsSummary:
        """All counts; `written` are those of what was written, `present` the boxes of each class in the table."""
        ignored = zip(classes, written.ignored.tolist(), strict=True)
        return RecordsSummary(
            output=output,
            classes=tuple(classes),
            images=dict(zip((TRAIN, VALID), written.images.tolist(), strict=True)),
            boxes=dict(zip((TRAIN, VALID), written.boxes.sum(axis=1).tolist(), strict=True)),
            boxes_of_class=dict(zip(classes, written.boxes.sum(axis=0).tolist(), strict=True)),
            unwanted_boxes=dict(self._unwanted),
            thresholds=trust.thresholds,
            ignore_from=trust.ignore_from,
            distrusted_boxes=dict(self._distrusted),
            ignored_boxes={name: count for name, count in ignored if count},
            missing_classes=tuple(name for name in classes if name not in present),
            negatives=int(written.negatives.sum()),
            clipped=self._clipped,
            without_area=self._without_area,
            without_boxes=self._without_boxes,
            only_uncertain=self._only_uncertain,
            surplus_negatives=self._surplus_negatives,
            near_duplicates=near_duplicates,
            static_boxes=static_boxes,
            static_boxes_dropped=static_boxes_dropped,
            unreadable=self._unreadable,
            unreadable_examples=tuple(self._unreadable_examples),
        )
