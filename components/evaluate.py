"""Evaluation as a pipeline step."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def evaluate(
    model: dsl.Input[dsl.Model],
    records: dsl.Input[dsl.Dataset],
    evaluation: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    champion: str = "",
    batch_size: int = 8,
) -> None:
    """Measure an exported model with COCO's metrics on the valid records.

    Args:
        model: A folder of the export step.
        records: A folder of the records step.
        champion: A model to measure on the same records; empty for none.
        batch_size: Images a model run.

    Returns:
        evaluation: A folder with metrics.json and per_class.csv; those of a champion are in its folder champion.
        metrics: The model's numbers, for the KFP UI; its file is metrics.json again, since kfp.local takes a result
            from its cache only where every artifact has one.
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
    if champion:
        of_champion = Path(evaluation.path) / "champion"
        print(
            evaluate_model(model=champion, records=Path(records.path), output=of_champion, batch_size=int(batch_size))
        )
