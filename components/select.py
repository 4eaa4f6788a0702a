"""The choice of what a run works on, as a pipeline step."""

from typing import NamedTuple

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def select(
    images: str,
    listing: dsl.Output[dsl.Dataset],
    page: dsl.Output[dsl.Markdown],
    shards: int = 1,
    promoted: str = "",
    new_only: bool = True,
    least_new: int = 1,
    warm_start: bool = True,
    checkpoint: str = "",
    classes: str = "",
    images_version: str = "",
    promoted_version: str = "",
) -> NamedTuple(  # type: ignore[valid-type]
    "Selected",
    [("images", int), ("shards", list[str]), ("checkpoint", str), ("classes", str), ("champion", str)],
):
    """List the images that the run is to look at: all, or those that no promoted model has seen.

    Args:
        images: Where the images lie.
        shards: In how many parts to detect, at most.
        promoted: Where promoted models are kept; empty for nowhere.
        new_only: Whether images that a promoted model has seen are left out.
        least_new: Fewer new images than this are left for a later run.
        warm_start: Whether training goes on from the promoted model.
        checkpoint: Weights to start from where there is none.
        classes: Classes wanted, as person,car; empty for the promoted model's, else all.
        images_version: Anything that changes when the images do; KFP's cache goes by parameters alone.
        promoted_version: Anything that changes when the promoted model does.

    Returns:
        listing: A CSV with a row an image: uri, size_bytes and version.
        page: What was chosen, in words.
        images: How many images the listing has for this run; 0 where there is nothing to do.
        shards: The parts, as 1/3, 2/3 and 3/3.
        checkpoint: Weights that training starts from; empty for the config's.
        classes: Classes wanted, as person,car; empty for all.
        champion: The promoted model; empty where there is none.
    """
    from pathlib import Path

    from detloop.promotion import select_images

    chosen = select_images(
        images=images,
        output=Path(listing.path),
        shards=int(shards),
        promoted=promoted,
        new_only=new_only,
        least_new=int(least_new),
        warm_start=warm_start,
        checkpoint=checkpoint,
        classes=classes,
    )
    listing.metadata.update(chosen.metadata())
    Path(page.path).write_text(chosen.markdown(), encoding="utf-8")
    print(chosen)
    champion = chosen.champion.model if chosen.champion else ""
    return (chosen.images, [str(shard) for shard in chosen.shards], chosen.checkpoint, chosen.classes, champion)
