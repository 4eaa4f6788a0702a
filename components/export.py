"""Export as a pipeline step."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def export(images: str, training: dsl.Input[dsl.Model], model: dsl.Output[dsl.Model]) -> None:
    """Export the best checkpoint of a training, proven to detect what the checkpoint detects.

    Args:
        images: Images for the proof.
        training: A folder of the train step.

    Returns:
        model: A folder with saved_model, for TF1 models frozen_inference_graph.pb, and label_map.pbtxt.
    """
    from pathlib import Path

    from detloop.export import export_checkpoint

    folder = Path(training.path)
    summary = export_checkpoint(
        config=str(folder / "pipeline.config"), checkpoint=str(folder), output=Path(model.path), images=images
    )
    model.metadata.update(summary.metadata())
    print(summary)
