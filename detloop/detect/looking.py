"""A model run on batches of views, and what its views found made the boxes of each image."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from detloop.detect.batches import Batch, ReadImage
from detloop.detect.merging import MergeOptions, merge_detections
from detloop.detect.views import View, ViewOptions, are_cut, boxes_in_image, views_of
from detloop.detections import ImageDetections, ImageRow
from detloop.engine import Engine, raw_to_image_detections
from detloop.labels import LabelMap


@dataclass(frozen=True)
class LookedAt:
    """What became of one image: its row, and its detections when it could be read."""

    position: int
    row: ImageRow
    found: ImageDetections | None


@dataclass(frozen=True)
class Detector:
    """A model with what its output is read by; boxes with a score above the threshold are found."""

    engine: Engine
    label_map: LabelMap
    threshold: float

    def look_at(self, batch: Batch) -> list[ImageDetections]:
        """Runs the model on a batch: what it finds in each view, in pixels of the view's image."""
        if not batch.views:
            return []
        raw = self.engine.detect(batch.pixels())
        found_in_views = []
        for index, (image, view) in enumerate(zip(batch.images, batch.views, strict=True)):
            found = raw_to_image_detections(
                raw,
                index,
                filename=image.name,
                width=view.width,
                height=view.height,
                label_map=self.label_map,
                threshold=self.threshold,
            )
            found_in_views.append(_whole_objects_in_image(found, view, _width_and_height(image)))
        return found_in_views


class ImagesUnderWay:
    """What was found in images of which not every view was looked at yet."""

    def __init__(self, view_options: ViewOptions, merge_options: MergeOptions, threshold: float) -> None:
        self._view_options, self._merge_options, self._threshold = view_options, merge_options, threshold
        self._found: dict[int, dict[View, ImageDetections]] = {}

    def add(self, batch: Batch, found_in_views: list[ImageDetections]) -> Iterator[LookedAt]:
        """The images that are looked at with this batch."""
        if not batch.views:
            for image in batch.images:
                yield LookedAt(image.position, ImageRow(image.name, 0, 0, 0, image.error), None)
            return
        for image, view, found in zip(batch.images, batch.views, found_in_views, strict=True):
            of_views = self._found.setdefault(image.position, {})
            of_views[view] = found
            views = views_of((found.width, found.height), self._view_options)
            if len(of_views) == len(views):
                del self._found[image.position]
                in_order = {each: of_views[each] for each in views}
                merged = merge_detections(in_order, self._merge_options, self._threshold)
                row = ImageRow(image.name, merged.width, merged.height, len(merged))
                yield LookedAt(image.position, row, merged)


def _width_and_height(image: ReadImage) -> tuple[int, int]:
    height, width = image.pixels.shape[:2] if image.pixels is not None else (0, 0)
    return width, height


def _whole_objects_in_image(found: ImageDetections, view: View, image_wh: tuple[int, int]) -> ImageDetections:
    """The boxes of a view in pixels of its image, without those that the view's edge cuts."""
    boxes_px = boxes_in_image(found.boxes_px, view)
    in_image = replace(found, width=image_wh[0], height=image_wh[1], boxes_px=boxes_px)
    return in_image.chosen(~are_cut(boxes_px, view, image_wh))
