"""Detection as a pipeline step; the teacher and the student run the same one."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def detect(
    images: str,
    model: dsl.Input[dsl.Model],
    label_map: dsl.Input[dsl.Artifact],
    detections: dsl.Output[dsl.Dataset],
    threshold: float = 0.5,
    batch_size: int = 8,
    images_version: str = "",
) -> None:
    """Detect objects in images.

    Args:
        images: Where the images lie; they are read there, never copied.
        model: A frozen graph, a SavedModel, or a folder with either.
        label_map: The model's label map (.pbtxt).
        threshold: Boxes with a score above this are kept.
        batch_size: Images a model run.
        images_version: Anything that changes when the images do; KFP's cache goes by parameters alone.

    Returns:
        detections: A folder with detections.csv (a row a box) and images.csv (a row an image).
    """
    from pathlib import Path

    from detloop.detect import detect_images

    summary = detect_images(
        model=model.path,
        label_map=label_map.path,
        images=images,
        output=Path(detections.path) / "detections.csv",
        threshold=threshold,
        batch_size=int(batch_size),
    )
    detections.metadata.update(summary.metadata())
    print(summary)
