"""Options that several commands of `detloop` share."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from detloop.store import local_path


class _LocalPath(click.ParamType[Path]):
    """A path on this machine, which may be written as a file:// URI; a bucket's URI is an error."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        return local_path(value) if isinstance(value, str) else Path(value)


FILE = _LocalPath()
VIEWS_OPTIONS = (
    click.option("--tile", default="", metavar="WxH", help="Also look at tiles of this size in pixels."),
    click.option("--overlap", default=0.25, show_default=True, help="Share of a tile its neighbour overlaps."),
    click.option("--flip", is_flag=True, default=False, help="Also look at every view mirrored."),
    click.option(
        "--scales",
        default="1",
        show_default=True,
        metavar="S,...",
        help="Show objects so many times as large: tiles of 1/S of --tile, without it windows of 1/S of the"
        " frame, since a detector resizes what it sees to its own input size.",
    ),
    click.option(
        "--merge",
        default="finest",
        show_default=True,
        metavar="finest|nms|wbf",
        help="Of the boxes that views have of one object, keep that of the smallest window, that with the best"
        " score (non-maximum suppression), or their mean, scored by how many of the views that show the object"
        " found it (weighted box fusion).",
    ),
    click.option("--merge-iou", default=0.5, show_default=True, help="Boxes that overlap more are one object's."),
    click.option(
        "--cross-class-iou",
        default=1.0,
        show_default=True,
        help="Of boxes of different classes that overlap more only the best stays; 1 keeps all.",
    ),
)
LABEL_OPTIONS = (
    click.option(
        "--map", "class_map", metavar="OLD=NEW,...", help="Rename classes first, as motorcycle=vehicle,car=vehicle."
    ),
    click.option("--group-by", metavar="REGEX", help="Images whose names match with the same text stay on one side."),
    click.option(
        "--group-by-time", type=click.IntRange(min=1), metavar="N", help="N consecutive frames stay on one side."
    ),
    click.option(
        "--group-by-column", metavar="NAME", help="Images with one value in this column of --manifest stay together."
    ),
    click.option("--manifest", type=FILE, help="CSV with the columns filename and the one of --group-by-column."),
    click.option(
        "--near-duplicates",
        default="off",
        show_default=True,
        type=click.Choice(["report", "move", "off"]),
        help="Valid images that look like train images: report them, or move them to train. Decodes every image.",
    ),
    click.option("--keep-negatives", is_flag=True, help="Also write images without any wanted box."),
    click.option("--negative-ratio", type=float, metavar="R", help="At most R of these for each image with a box."),
    click.option(
        "--choose-thresholds",
        metavar="HOW",
        help="Choose a threshold a class: `scores` from the scores alone, or a labelled CSV for its best F-beta.",
    ),
    click.option("--f-beta", default=1.0, show_default=True, help="Recall weighs so many times as much as precision."),
    click.option(
        "--ignore-from",
        type=float,
        metavar="S",
        help="Boxes from this score to the threshold: no object, no background.",
    ),
    click.option("--score-weights", is_flag=True, help="A box counts in the loss as much as its score."),
    click.option(
        "--static-boxes",
        default="off",
        show_default=True,
        type=click.Choice(["report", "drop", "off"]),
        help="Boxes at one place in most images of a size (and of a group): report them, or leave them out.",
    ),
)
RUNNER_OPTIONS = (
    click.option(
        "--runner",
        default="subprocess",
        show_default=True,
        type=click.Choice(["subprocess", "docker"]),
        help="Run each step as a process, or in a container of Docker's or of what DOCKER_HOST names.",
    ),
    click.option("--image", metavar="NAME:TAG", help="Image of the containers. Default: the one of `make images`."),
    click.option(
        "--network",
        metavar="NAME",
        help="Network of the containers. Default: none, or for images in a bucket the engine's usual one.",
    ),
)

RETRAINING_OPTIONS = (
    click.option(
        "--promoted",
        default="",
        metavar="URI",
        help="Folder or bucket prefix with the promoted model (the champion), and where the next one goes.",
    ),
    click.option(
        "--new-only/--all-images", default=True, show_default=True, help="Leave out the images a champion has seen."
    ),
    click.option(
        "--least-new",
        default=1,
        show_default=True,
        type=click.IntRange(min=1),
        metavar="N",
        help="Leave fewer new images than these for a later run.",
    ),
    click.option(
        "--warm-start/--no-warm-start", default=True, show_default=True, help="Train on from the champion's weights."
    ),
)
PROMOTION_OPTIONS = (
    click.option("--metric", default="AP", show_default=True, help="Figure of metrics.json that decides."),
    click.option(
        "--least-gain", default=0.0, show_default=True, help="By how much a model must be better than the champion."
    ),
)


def images_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Where images are."""
    help_text = "Image folder (with its subfolders), glob pattern, or .txt manifest; local, or s3://, minio://, gs://."
    return click.option("--images", required=True, metavar="URI", help=help_text)(command)


def strict_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """What an image that cannot be read is."""
    help_text = "An image that cannot be read is an error, instead of being listed in images.csv and left out."
    return click.option("--strict", is_flag=True, help=help_text)(command)


def overrides_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Fields of the pipeline.config that change."""
    help_text = "Set any field of the config, as a.b.c=value; may be given again."
    return click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help=help_text)(command)


def views_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What is looked at besides the whole frame, and how the boxes found there become one an object."""
    return _with_all(VIEWS_OPTIONS, command)


def label_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """How labels are made of detections."""
    return _with_all(LABEL_OPTIONS, command)


def retraining_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What a run that follows others looks at and starts from."""
    return _with_all(RETRAINING_OPTIONS, command)


def promotion_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """When a model takes the champion's place."""
    return _with_all(PROMOTION_OPTIONS, command)


def runner_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What steps run in."""
    return _with_all(RUNNER_OPTIONS, command)


def _with_all(options: Sequence[Callable[..., Any]], command: Callable[..., Any]) -> Callable[..., Any]:
    """The command with the options, in their order."""
    for option in reversed(options):
        command = option(command)
    return command
