"""The run of a detector over all images of a source."""

import os
import time
from collections.abc import Callable
from contextlib import closing, suppress
from itertools import islice
from operator import itemgetter
from pathlib import Path

from detloop.ahead import map_ahead
from detloop.detect.batches import ReadImage, gather_batches
from detloop.detect.kept_parts import KeptParts, content_of
from detloop.detect.looking import Detector, ImagesUnderWay, LookedAt
from detloop.detect.merging import MergeOptions
from detloop.detect.summary import DetectSummary
from detloop.detect.tables import TABLES, GrowingTables, check_output, open_tables
from detloop.detect.views import ViewOptions, read_view_options
from detloop.engine import fetch_model, open_engine
from detloop.errors import DetloopError, ImageError
from detloop.images import ImageSource, decode_rgb, open_source, read_header
from detloop.labels import read_label_map
from detloop.listing import only_listed
from detloop.progress import Progress
from detloop.shard import BATCH_SIZE, BATCHES_A_BLOCK, parse_shard
from detloop.store import existing_file, files_state

DECODING_THREADS = min(4, os.cpu_count() or 1)
BATCHES_UNDER_WAY = 2
"""One that the model runs, and one that waits for it while the tables of the last are written."""

IMAGES_CHECKED = 1000
"""So many images are asked for their size before a tile that is larger than each of them is let pass."""


def detect_images(
    *,
    model: str,
    label_map: str,
    images: str,
    output: Path,
    threshold: float = 0.5,
    engine: str = "auto",
    batch_size: int = BATCH_SIZE,
    tile: str = "",
    overlap: float = ViewOptions.overlap,
    flip: bool = False,
    scales: str = "1",
    merge: str = MergeOptions.merge,
    merge_iou: float = MergeOptions.merge_iou,
    cross_class_iou: float = MergeOptions.cross_class_iou,
    listing: Path | None = None,
    shard: str = "1/1",
    resume: bool = True,
    parts: str = "",
    strict: bool = False,
) -> DetectSummary:
    """Detects objects in every image of a source: a table of the boxes, and images.csv of the images looked at.

    Images are decoded by threads, their views run in batches of one size by another, and merged and written in the
    source's order by the caller's, all at the same time; memory does not grow with their number. While it runs, the
    tables lie in the folder `<output>.partial`, where an interrupted run is gone on with.

    Args:
        model: frozen graph, SavedModel, or folder that holds either.
        label_map: the model's label map (.pbtxt).
        images: image folder or bucket prefix, glob pattern or .txt manifest.
        output: the detections table to write; images.csv is written beside it.
        threshold: boxes with a score strictly above this are written.
        engine: what runs the model, "auto" or "tensorflow".
        batch_size: images or views a model run, where that many of one size are near each other.
        tile: WIDTHxHEIGHT in pixels of tiles to look at besides the whole frame; empty for none.
        overlap: share of a tile by which its neighbour overlaps it at least, 0 to 0.9.
        flip: look at every view mirrored, too.
        scales: numbers with commas between them: at each, windows are the tile's, or without tiles the frame's, size
            divided by it, so that objects are that many times as large to the detector.
        merge: how the views' boxes become one an object, "finest", "nms" or "wbf"; see `MergeOptions`.
        merge_iou: boxes of one class from several views that overlap by more than this are one object.
        cross_class_iou: of boxes of different classes that overlap by more than this the best is kept; 1 to keep all.
        listing: look only at the images that this listing of them has; see `detloop.listing`.
        shard: I/N for the I-th of N consecutive parts of the images; `collect_tables` puts the parts' tables together.
        resume: go on where an interrupted run with the same model, label map, source and options stopped.
        parts: folder or bucket prefix where what is found is kept too, for a run on another machine to go on with;
            empty for none.
        strict: an image that cannot be read is an error instead of a row of images.csv with the reason.

    Raises:
        DetloopError: an input is missing or wrong, the model cannot run, or `strict` and an image cannot be read.
        OSError: the tables cannot be written.
    """
    views = read_view_options(tile, overlap, flip, scales)
    merging = MergeOptions(merge, merge_iou, cross_class_iou)
    names_of_classes = read_label_map(existing_file(label_map, "label map"))
    source = open_source(images)
    if listing is not None:
        source = only_listed(source, listing)
    check_output(output)
    _check_tiles(source, views)
    block_images = BATCHES_A_BLOCK * batch_size
    source = parse_shard(shard).of(source, block_images)
    model_path = fetch_model(model)
    settings = {
        "model": files_state(model, model_path),
        "label_map": {str(class_id): name for class_id, name in names_of_classes.name_of_id.items()},
        "images": source.store.identity,
        "threshold": threshold,
        "engine": engine,
        "views": str(views),
        "merging": str(merging),
        "strict": strict,
    }
    detector = Detector(open_engine(model_path, engine), names_of_classes, merging.least_score(views, threshold))
    under_way = ImagesUnderWay(views, merging, threshold)
    anywhere = {**settings, "model": content_of(model_path)} if parts else {}
    kept_parts = KeptParts(parts, anywhere, source.names(), TABLES) if parts else None
    with open_tables(output, settings, source.names(), resume, views, kept_parts) as tables:
        images_before, began = tables.tally.images, time.monotonic()
        _fill_tables(tables, source, detector, under_way, batch_size, block_images, views, strict)
        seconds = time.monotonic() - began
        tables.finish(output)
    return tables.tally.summary(output, images_before, seconds)


def _check_tiles(source: ImageSource, views: ViewOptions) -> None:
    """Makes sure that tiles show more than the whole frame does, of one of the first images at least.

    Raises:
        DetloopError: no image of the source is larger than the tiles of one of the scales.
    """
    if views.tile_wh is None:
        return
    too_large, sizes = set(views.scales), list[str]()
    names = list(islice(source.names(), IMAGES_CHECKED))
    for name, read_bytes in source.read_ahead(names, lambda name: name):
        with suppress(ImageError):
            header = read_header(read_bytes())
            sizes.append(f"{name} is {header.width}x{header.height}")
            image_wh = (header.width, header.height)
            too_large = {scale for scale in too_large if views.window_wh(scale, image_wh) == image_wh}
        if not too_large:
            return
    if sizes and len(names) < IMAGES_CHECKED:
        scale = min(too_large)
        tile_wh = "x".join(str(round(length / scale)) for length in views.tile_wh)
        of_scale = f" at scale {scale:g}" if scale != 1 else ""
        raise DetloopError(f"--tile {tile_wh}{of_scale}: no image is larger than that, {sizes[0]}; give a smaller tile")


def _fill_tables(
    tables: GrowingTables,
    source: ImageSource,
    detector: Detector,
    under_way: ImagesUnderWay,
    batch_size: int,
    block_images: int,
    views: ViewOptions,
    strict: bool,
) -> None:
    """Looks at every image that the tables lack, and writes each in its turn."""
    start = tables.tally.images
    total = sum(1 for _ in source.names())
    batch_size = min(batch_size, detector.engine.max_batch_size or batch_size)
    positions_and_names = islice(enumerate(source.names()), start, None)
    images = map_ahead(
        lambda read: _decoded(*read[0], read[1]),
        source.read_ahead(positions_and_names, itemgetter(1)),
        DECODING_THREADS,
        DECODING_THREADS + batch_size,
    )
    batches = gather_batches(images, batch_size, views, block_images)
    runs = map_ahead(lambda batch: (batch, detector.look_at(batch)), batches, threads=1, ahead=BATCHES_UNDER_WAY)
    waiting: dict[int, LookedAt] = {}
    with closing(runs), Progress("detect", total, start=start) as progress:
        for batch, found_in_views in runs:
            looked_at = {image.position: image for image in under_way.add(batch, found_in_views)}
            waiting |= looked_at
            while image := waiting.pop(tables.tally.images, None):
                if strict and image.row.error:
                    raise DetloopError(f"{source.root}/{image.row.filename}: {image.row.error}")
                tables.write(image.row, image.found)
            if batch.leaves_none_waiting:
                tables.keep()
            progress.update(len(looked_at), boxes=str(tables.tally.boxes))


def _decoded(position: int, name: str, read_bytes: Callable[[], bytes]) -> ReadImage:
    try:
        return ReadImage(position, name, decode_rgb(read_bytes()))
    except ImageError as error:
        return ReadImage(position, name, None, str(error))
