"""The tables of all shards put together, as a pipeline step."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def collect(
    shards: dsl.Input[list[dsl.Dataset]],
    listing: dsl.Input[dsl.Dataset],
    detections: dsl.Output[dsl.Dataset],
) -> None:
    """Put the tables of all shards together: byte for byte those of a detection without shards.

    Args:
        shards: A folder with detections.csv and images.csv for each shard.
        listing: The images that all of them together have looked at.

    Returns:
        detections: A folder with detections.csv (a row a box) and images.csv (a row an image).
    """
    from pathlib import Path

    from detloop.detect import collect_tables

    summary = collect_tables(
        shards=[Path(shard.path) / "detections.csv" for shard in shards],
        output=Path(detections.path) / "detections.csv",
        listing=Path(listing.path),
    )
    detections.metadata.update(summary.metadata())
    print(summary)
