"""The report as a pipeline step."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def report(
    images: str,
    teacher: dsl.Input[dsl.Dataset],
    student: dsl.Input[dsl.Dataset],
    evaluation: dsl.Input[dsl.Artifact],
    training: dsl.Input[dsl.Model],
    page: dsl.Output[dsl.HTML],
    summary: dsl.Output[dsl.Markdown],
    threshold: float = 0.0,
) -> None:
    """Show teacher and student side by side on the same images, with the metrics.

    Args:
        images: Where the images lie.
        teacher: The teacher's detections.
        student: The student's detections.
        evaluation: A folder of the evaluate step.
        training: A folder of the train step, for its loss curve.
        threshold: Boxes with a score above this are counted and shown.

    Returns:
        page: One HTML page that opens offline.
        summary: The numbers as a Markdown table.
    """
    from pathlib import Path

    from detloop.report import write_comparison, write_markdown

    metrics = Path(evaluation.path) / "metrics.json"
    made = write_comparison(
        images=images,
        teacher=Path(teacher.path) / "detections.csv",
        student=Path(student.path) / "detections.csv",
        metrics=metrics,
        training_log=Path(training.path) / "training_log.csv",
        output=Path(page.path),
        threshold=threshold,
    )
    write_markdown(metrics=metrics, output=Path(summary.path))
    page.metadata.update(made.metadata())
    print(made)
