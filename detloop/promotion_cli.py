"""The commands by which runs follow one another: what is new, and which model is the champion."""

from typing import Any

import click

from detloop.cli_options import FILE, images_option, promotion_options, retraining_options


@click.command()
@images_option
@click.option("--output", required=True, type=FILE, help="The listing to write, for `detloop detect --listing`.")
@click.option("--shards", default=1, show_default=True, metavar="N", help="Parts to detect in, at most.")
@retraining_options
@click.option("--checkpoint", default="", metavar="URI", help="Weights to start from where there is no champion.")
@click.option("--classes", default="", help="Classes to learn, as person,car. Default: a champion's.")
def select(**options: Any) -> None:
    """List the images that a run is to look at: all, or those that no promoted model has seen."""
    from detloop.promotion import select_images

    click.echo(select_images(**options))


@click.command()
@click.option("--model", required=True, type=FILE, help="Folder that `detloop export` wrote.")
@click.option("--metrics", required=True, type=FILE, help="metrics.json of the model.")
@click.option("--listing", required=True, type=FILE, help="The images that its run looked at, from `detloop select`.")
@click.option("--promoted", required=True, metavar="URI", help="Folder or bucket prefix where champions are kept.")
@click.option(
    "--champion-metrics", type=FILE, help="metrics.json of the champion on the same records; needed where there is one."
)
@promotion_options
def promote(**options: Any) -> None:
    """Make a model the champion, unless it is worse than the one that is there."""
    from detloop.promotion import promote_model

    click.echo(promote_model(**options))


COMMANDS = (select, promote)
