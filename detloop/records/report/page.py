"""The page itself: what it shows of the statistics, in the order in which it shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detloop.images import ImageSource
from detloop.pages.drawing import class_colors
from detloop.pages.render import PAGE_LIMIT_BYTES, render
from detloop.records.report.bins import ASPECT_BINS, SIZE_PX_BINS, SIZE_SHARE_BINS
from detloop.records.report.charts import FRAME, SMALL_FRAME, Histogram, boxes_histogram, log_histogram, score_histogram
from detloop.records.report.choices import LeftOut
from detloop.records.report.counts import Counts
from detloop.records.report.heat import color_scale, heat_of_places, heat_of_shapes
from detloop.records.report.pictures import draw_pictures
from detloop.records.report.statistics import PICTURES, DatasetStatistics
from detloop.store import write_file_whole

TEMPLATE = "records/report/page.html.jinja"
TEXT_RESERVE_BYTES = 800_000
MOST_CLASS_ROWS, MOST_SCORE_CHARTS, OPEN_SCORE_CHARTS = 200, 96, 12
FEW_CLASSES = 2
LONGEST_NAME, MOST_EXAMPLES = 80, 12

# Source of 32 and 96: COCO's areas of small, medium and large objects, cocodataset.org/#detection-eval.
COCO_SIDES_PX = ((32, "32"), (96, "96"))
SIZE_PX_TICKS = [(2.0**power, f"{2**power:,}") for power in range(14)]
SIZE_SHARE_TICKS = [(percent / 100, f"{percent:g} %") for percent in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)]
ASPECT_TICKS = [(2.0**power, f"{2**power}:1" if power >= 0 else f"1:{2**-power}") for power in range(-4, 5)]


@dataclass(frozen=True)
class SideFigures:
    """Images and boxes of train, of valid, or of both."""

    images: int
    negatives: int
    boxes: int

    @property
    def boxes_per_image(self) -> float:
        return self.boxes / self.images if self.images else 0.0


@dataclass(frozen=True)
class ClassFigures:
    """One class, or all that have no row of their own: boxes and images with one, of train and valid."""

    name: str
    boxes: tuple[int, int]
    images: tuple[int, int]
    ignored: int
    color: str = ""
    threshold: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class ScoreChart:
    """The score histogram of a class, or of all that have none of their own."""

    name: str
    boxes: int
    chart: Histogram


def write_report(statistics: DatasetStatistics, left_out: Sequence[LeftOut], source: ImageSource, output: Path) -> int:
    """Writes one self-contained HTML page of at most 5 MB, which opens without a network, and gives its size in bytes.

    Args:
        statistics: what was gathered while the records were written.
        left_out: what was left out or changed, and why.
        source: the images, of which 24 are read again.
        output: the page to write.
    """
    counts = statistics.counts
    order = np.argsort(-counts.scores.sum(axis=1), kind="stable").tolist()
    names = [statistics.classes[index] for index in order]
    colors = class_colors(names)
    picture_limit_bytes = (PAGE_LIMIT_BYTES - TEXT_RESERVE_BYTES) // PICTURES
    boxes = int(counts.boxes.sum())
    mean_width, mean_height = (counts.sizes_sum_wh / max(int(counts.images.sum()), 1)).tolist()
    content = render(
        TEMPLATE,
        sides=_sides(counts),
        smallest_wh=statistics.sizes_wh[0],
        largest_wh=statistics.sizes_wh[1],
        classes=_class_rows(statistics, order, colors),
        class_count=len(names),
        unlearned=[statistics.classes[index] for index in order if not counts.boxes[0, index]],
        unmeasured=[statistics.classes[index] for index in order if not counts.boxes[1, index]],
        rules=statistics.rules,
        has_scores=bool(counts.scores[:, :-1].any()),
        score_charts=_score_charts(statistics, order),
        open_score_charts=OPEN_SCORE_CHARTS,
        few_classes=FEW_CLASSES,
        size_px=log_histogram(counts.sizes_px, SIZE_PX_BINS, SIZE_PX_TICKS, COCO_SIDES_PX),
        size_share=log_histogram(counts.sizes_share, SIZE_SHARE_BINS, SIZE_SHARE_TICKS),
        aspect=log_histogram(counts.aspects, ASPECT_BINS, ASPECT_TICKS),
        boxes_per_image=boxes_histogram(counts.boxes_per_image),
        places=heat_of_places(counts.cover, boxes, (mean_width, mean_height)),
        shapes=heat_of_shapes(counts.shapes_px),
        color_scale=color_scale(),
        pictures=list(draw_pictures(statistics, source, colors, picture_limit_bytes)),
        colors={name: colors[name] for name in names[:OPEN_SCORE_CHARTS]},
        left_out=[entry for entry in left_out if entry.count],
        longest_name=LONGEST_NAME,
        most_examples=MOST_EXAMPLES,
    )
    with write_file_whole(output) as partial:
        partial.write_bytes(content)
    return len(content)


def _sides(counts: Counts) -> dict[str, SideFigures]:
    boxes = counts.boxes.sum(axis=1)
    train, valid = (
        SideFigures(int(counts.images[side]), int(counts.negatives[side]), int(boxes[side])) for side in (0, 1)
    )
    both = SideFigures(int(counts.images.sum()), int(counts.negatives.sum()), int(boxes.sum()))
    return {"Train": train, "Valid": valid, "Both": both}


def _class_rows(statistics: DatasetStatistics, order: Sequence[int], colors: dict[str, str]) -> list[ClassFigures]:
    """A row each for the first classes of the order, and one for the sum of the others."""
    counts, rules = statistics.counts, statistics.rules
    rows = []
    for index in order[:MOST_CLASS_ROWS]:
        name = statistics.classes[index]
        rows.append(
            ClassFigures(
                name=name,
                boxes=(int(counts.boxes[0, index]), int(counts.boxes[1, index])),
                images=(int(counts.images_with[0, index]), int(counts.images_with[1, index])),
                ignored=int(counts.ignored[index]),
                color=colors[name],
                threshold=rules.thresholds.get(name),
                reason=rules.reasons.get(name, ""),
            )
        )
    others = list(order[MOST_CLASS_ROWS:])
    if others:
        train, valid = counts.boxes[:, others].sum(axis=1).tolist()
        ignored = int(counts.ignored[others].sum())
        rows.append(ClassFigures(f"{len(others):,} more classes", (train, valid), (0, 0), ignored))
    return rows


def _score_charts(statistics: DatasetStatistics, order: Sequence[int]) -> list[ScoreChart]:
    """A chart each for the first classes of the order, and one for the others together, without thresholds."""
    scores, rules = statistics.counts.scores, statistics.rules
    frame = FRAME if len(order) <= FEW_CLASSES else SMALL_FRAME
    charts = []
    for index in order[:MOST_SCORE_CHARTS]:
        name = statistics.classes[index]
        threshold = rules.thresholds.get(name)
        ignore_from = None if threshold is None else rules.ignore_from
        chart = score_histogram(scores[index], threshold, ignore_from, frame)
        charts.append(ScoreChart(name, int(scores[index].sum()), chart))
    others = scores[list(order[MOST_SCORE_CHARTS:])].sum(axis=0)
    if others.any():
        name = f"{len(order) - MOST_SCORE_CHARTS:,} more classes"
        charts.append(ScoreChart(name, int(others.sum()), score_histogram(others, None, None, frame)))
    return charts
