"""The promotion of a model, as a pipeline step."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def promote(
    model: dsl.Input[dsl.Model],
    evaluation: dsl.Input[dsl.Artifact],
    listing: dsl.Input[dsl.Dataset],
    promoted: str,
    page: dsl.Output[dsl.Markdown],
    champion: str = "",
    metric: str = "AP",
    least_gain: float = 0.0,
) -> None:
    """Make a model the champion, unless it is worse than the one that is there.

    Args:
        model: A folder of the export step.
        evaluation: A folder of the evaluate step, which has measured the champion too where there is one.
        listing: The images that the model's run has looked at.
        promoted: Where champions are kept.
        champion: The one that was measured; empty where there was none.
        metric: The figure of metrics.json that decides.
        least_gain: By how much the model must be better.

    Returns:
        page: What was decided, in words.
    """
    from pathlib import Path

    from detloop.promotion import promote_model

    made = promote_model(
        model=Path(model.path),
        metrics=Path(evaluation.path) / "metrics.json",
        champion_metrics=Path(evaluation.path) / "champion/metrics.json" if champion else None,
        listing=Path(listing.path),
        promoted=promoted,
        champion=champion,
        metric=metric,
        least_gain=least_gain,
    )
    Path(page.path).write_text(made.markdown(), encoding="utf-8")
    page.metadata.update(made.metadata())
    print(made)
