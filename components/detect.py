"""Detection as a pipeline step; the teacher and the student run the same one."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def detect(
    images: str,
    model: dsl.Input[dsl.Model],
    label_map: dsl.Input[dsl.Artifact],
    listing: dsl.Input[dsl.Dataset],
    detections: dsl.Output[dsl.Dataset],
    shard: str = "1/1",
    threshold: float = 0.5,
    down_to: float = 1.0,
    batch_size: int = 8,
    tile: str = "",
    overlap: float = 0.25,
    flip: bool = False,
    scales: str = "1",
    merge: str = "finest",
    merge_iou: float = 0.5,
    cross_class_iou: float = 1.0,
    images_version: str = "",
) -> None:
    """Detect objects in images.

    Args:
        images: Where the images lie; they are read there, never copied.
        model: A frozen graph, a SavedModel, or a folder with either.
        label_map: The model's label map (.pbtxt).
        listing: Which of the images to look at.
        shard: The part of these to look at, as 1/3.
        threshold: Boxes with a score above this are kept.
        down_to: A lower threshold, where some of those who read the detections need one.
        batch_size: Images a model run.
        tile: Size in pixels, as 384x384, of tiles to look at besides the whole frame; empty for none.
        overlap: Share of a tile by which its neighbour overlaps it.
        flip: Look at every view mirrored, too.
        scales: How many times as large to show objects, as 1,1.5.
        merge: How boxes of several views are merged, finest, nms or wbf.
        merge_iou: Boxes of several views that overlap more than this are one object's.
        cross_class_iou: Of boxes of different classes that overlap more than this the best is kept; 1 keeps all.
        images_version: Anything that changes when the images do; KFP's cache goes by parameters alone.

    Returns:
        detections: A folder with detections.csv (a row a box) and images.csv (a row an image).
    """
    from pathlib import Path

    from detloop.detect import detect_images, parts_beside

    summary = detect_images(
        model=model.path,
        label_map=label_map.path,
        images=images,
        output=Path(detections.path) / "detections.csv",
        listing=Path(listing.path),
        shard=shard,
        parts=parts_beside(detections.uri),
        threshold=min(threshold, down_to),
        batch_size=int(batch_size),
        tile=tile,
        overlap=overlap,
        flip=flip,
        scales=scales,
        merge=merge,
        merge_iou=merge_iou,
        cross_class_iou=cross_class_iou,
    )
    detections.metadata.update(summary.metadata())
    print(summary)
