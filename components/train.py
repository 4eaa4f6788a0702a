"""Training as a pipeline step."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def train(
    config: str,
    records: dsl.Input[dsl.Dataset],
    training: dsl.Output[dsl.Model],
    checkpoint: str = "",
    steps: int = 0,
    batch_size: int = 0,
    overrides: str = "",
    config_version: str = "",
) -> None:
    """Train a detector from a pipeline.config on records.

    Args:
        config: The pipeline.config, of either generation of the Object Detection API.
        records: A folder of the records step.
        checkpoint: Weights to start from: a TF1 frozen graph or a checkpoint; empty for the config's.
        steps: Training steps; 0 for the config's.
        batch_size: Images a step; 0 for the config's.
        overrides: Fields of the config that change, as a.b.c=value, one a line.
        config_version: Anything that changes when the config or the checkpoint does; KFP's cache goes by parameters.

    Returns:
        training: A folder with checkpoints, TensorBoard events, training_log.csv and the config as used.
    """
    from pathlib import Path

    from detloop.train import train_detector

    summary = train_detector(
        config=config,
        records=Path(records.path),
        output=Path(training.path),
        checkpoint=checkpoint or None,
        steps=int(steps) or None,
        batch_size=int(batch_size) or None,
        overrides=overrides.splitlines(),
    )
    training.metadata.update(summary.metadata())
    print(summary)
