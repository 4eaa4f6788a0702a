"""Evaluation as a pipeline step."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def evaluate(
    model: dsl.Input[dsl.Model],
    records: dsl.Input[dsl.Dataset],
    evaluation: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    batch_size: int = 8,
) -> None:
    """Measure an exported model with COCO's metrics on the valid records.

    Args:
        model: A folder of the export step.
        records: A folder of the records step.
        batch_size: Images a model run.

    Returns:
        evaluation: A folder with metrics.json and per_class.csv.
        metrics: The same numbers, for the KFP UI; its file is metrics.json again, since kfp.local takes a result from
            its cache only where every artifact has one.
    """
    import shutil
    from pathlib import Path

    from detloop.evaluate import evaluate_model

    summary = evaluate_model(
        model=model.path, records=Path(records.path), output=Path(evaluation.path), batch_size=int(batch_size)
    )
    shutil.copyfile(Path(evaluation.path) / "metrics.json", metrics.path)
    evaluation.metadata.update(summary.metadata())
    for name, value in summary.metadata().items():
        if isinstance(value, float):
            metrics.log_metric(name, value)
    print(summary)
