"""The summary of a run as its last step, which also runs when another step has failed."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def summary(run_id: str, status: dsl.PipelineTaskFinalStatus, page: dsl.Output[dsl.Markdown]) -> None:
    """Say on one page what became of the run, which step failed and why, and how long each took.

    Args:
        run_id: The run's id.
        status: What became of the other steps, from KFP.

    Returns:
        page: The page.
    """
    from pathlib import Path

    from detloop.summary import write_summary

    made = write_summary(run_id=run_id, state=status.state, message=status.error_message or "", output=Path(page.path))
    page.metadata.update(made.metadata())
    print(made)
