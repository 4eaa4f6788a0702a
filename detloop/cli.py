"""The `detloop` command: each subcommand parses, calls one function and prints one summary.

Functions are imported inside their command, so that `detloop --help` and the commands that do not need TensorFlow start
without it.
"""

import errno
import os
import sys
from pathlib import Path
from typing import Any

import click

from detloop import cluster_cli, promotion_cli
from detloop.cli_options import (
    FILE,
    images_option,
    label_options,
    overrides_option,
    promotion_options,
    retraining_options,
    runner_options,
    strict_option,
    views_options,
)
from detloop.errors import DetloopError
from detloop.store import fetch, in_bucket, local_path


class _Group(click.Group):
    """Turns what went wrong into one line and exit code 1; --debug shows the traceback instead."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (DetloopError, OSError) as error:
            if ctx.params["debug"]:
                raise
            click.echo(f"detloop: error: {_reason(error)}", err=True)
            ctx.exit(error.exit_code if isinstance(error, DetloopError) else 1)


def _reason(error: DetloopError | OSError) -> str:
    if isinstance(error, DetloopError):
        return str(error)
    what = error.strerror or str(error)
    if error.errno == errno.ENOSPC:
        what += "; free some space and run it again: what was finished is kept"
    return f"{error.filename}: {what}" if error.filename else what


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(package_name="detloop")
def main(debug: bool) -> None:
    """Label images with a detector, train a new one on those labels, measure it, export it, detect with it.

    \b
    detect -> records -> train -> export -> evaluate -> detect again; `detloop run` does it all.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1" if debug else "3")


@main.command()
@click.option(
    "--model", required=True, metavar="URI", help="Frozen graph (.pb), SavedModel folder, or folder with one."
)
@click.option("--label-map", required=True, metavar="URI", help="The model's label map (.pbtxt).")
@images_option
@click.option("--output", required=True, type=FILE, help="The CSV to write; images.csv is written beside it.")
@click.option("--threshold", default=0.5, show_default=True, help="Boxes with a score above this are written.")
@click.option("--engine", default="auto", show_default=True, type=click.Choice(["auto", "tensorflow"]))
@click.option("--batch-size", default=8, show_default=True, type=click.IntRange(min=1), help="Images a model run.")
@views_options
@click.option("--listing", type=FILE, help="Look only at the images of this listing, which `detloop select` wrote.")
@click.option(
    "--shard",
    default="1/1",
    metavar="I/N",
    help="Look at the I-th of N parts; `detloop collect` joins what they found.",
)
@click.option("--resume/--no-resume", default=True, show_default=True, help="Go on where an interrupted run stopped.")
@click.option(
    "--parts",
    default="",
    metavar="URI",
    help="Keep what is found in this folder or bucket too, every 30 seconds: a run on another machine goes on there.",
)
@strict_option
def detect(**options: Any) -> None:
    """Detect objects in images: detections.csv (a row a box) and images.csv (a row an image).

    With --tile, --flip or --scales the detector looks at an image more than once, the whole frame included: small and
    doubtful objects are found more surely, at the cost of that many passes. A box that an edge between tiles cuts is
    dropped, so overlap tiles by at least the size of the objects to be found in them.
    """
    from detloop.detect import detect_images

    click.echo(detect_images(**options))


@main.command()
@click.argument("shards", nargs=-1, required=True, type=FILE, metavar="DETECTIONS_CSV...")
@click.option("--output", required=True, type=FILE, help="The CSV to write; images.csv is written beside it.")
@click.option("--listing", type=FILE, help="Make sure that every image of this listing was looked at.")
def collect(shards: tuple[Path, ...], output: Path, listing: Path | None) -> None:
    """Put the tables of all shards together: byte for byte those of a detection without shards.

    DETECTIONS_CSV are the outputs of `detloop detect --shard`, in any order, each with its images.csv beside it.
    """
    from detloop.detect import collect_tables

    click.echo(collect_tables(shards=shards, output=output, listing=listing))


@main.command()
@click.option("--detections", required=True, type=FILE, help="The detections.csv to learn from.")
@images_option
@click.option("--output", required=True, type=FILE, help="Folder for the records, label map, split.csv, report.html.")
@click.option("--classes", help="Classes wanted, as person,car: ids 1, 2 in this order. Default: all, by name.")
@click.option("--teacher-label-map", type=FILE, help="The detector's label map, to check --classes and --map against.")
@click.option("--first", type=click.IntRange(min=1), metavar="N", help="The first N images train, the rest validate.")
@click.option(
    "--valid-fraction", default=0.2, show_default=True, type=click.FloatRange(0, 1), help="Share that validates."
)
@click.option("--shards", default=1, show_default=True, type=click.IntRange(min=1), help="Files a split.")
@click.option(
    "--threshold", metavar="T", help="Learn boxes with a score above 0.5, or as person=0.6,car=0.4. Default: all boxes."
)
@label_options
@strict_option
def records(classes: str | None, **options: Any) -> None:
    """Write train and valid TFRecords from detections and images; JPEG bytes are copied, not re-encoded."""
    from detloop.records import write_records

    wanted = [name.strip() for name in classes.split(",")] if classes is not None else None
    click.echo(write_records(classes=wanted, **options))


@main.command()
@click.option("--config", required=True, metavar="URI", help="pipeline.config of either generation of the API.")
@click.option("--records", required=True, type=FILE, help="Folder that `detloop records` wrote.")
@click.option(
    "--output", required=True, type=FILE, help="Folder for checkpoints, TensorBoard events and the config used."
)
@click.option("--checkpoint", metavar="URI", help="Weights to start from: a TF1 frozen graph, or a checkpoint.")
@click.option("--steps", type=click.IntRange(min=1), help="Training steps, instead of the config's.")
@click.option("--batch-size", type=click.IntRange(min=1), help="Images a step, instead of the config's.")
@overrides_option
@click.option(
    "--checkpoint-every", default=100, show_default=True, type=click.IntRange(min=1), help="Steps a checkpoint."
)
@click.option("--keep-checkpoints", default=3, show_default=True, type=click.IntRange(min=1), help="Newest ones kept.")
@click.option(
    "--evaluate-every",
    type=click.IntRange(min=0),
    metavar="N",
    help="Steps between evaluations on the valid records; 0 for none. Default: about ten evaluations a training.",
)
@click.option(
    "--metric", default="AP", show_default=True, help="Which figure of metrics.json decides which checkpoint is best."
)
@click.option(
    "--patience",
    default=0,
    show_default=True,
    type=click.IntRange(min=0),
    metavar="N",
    help="Stop after N evaluations without a better one; 0 for never.",
)
@click.option("--resume/--no-resume", default=True, show_default=True, help="Go on from the output's last checkpoint.")
@click.option("--check", is_flag=True, help="Only check config, records and checkpoint, as every training does first.")
def train(check: bool, **options: Any) -> None:
    """Train a detector from a pipeline.config on records.

    Ends with exit code 75 when SIGTERM or Ctrl-C stopped it; the same command goes on from there.
    """
    from detloop.train import check_request, errors_in, findings_text, train_detector

    if not check:
        click.echo(train_detector(**options))
        return
    checked = ("config", "records", "checkpoint", "steps", "batch_size", "overrides")
    findings = check_request(**{name: options[name] for name in checked})
    click.echo(findings_text(findings))
    if errors_in(findings):
        sys.exit(1)


@main.command()
@click.option("--model", metavar="URI", help="Exported model to measure on the valid records of --records.")
@click.option("--records", type=FILE, help="Folder that `detloop records` wrote.")
@click.option("--detections", type=FILE, help="A detections.csv to measure against --ground-truth.")
@click.option("--ground-truth", type=FILE, help="The labelled CSV, of the same columns (score may be missing).")
@click.option("--output", required=True, type=FILE, help="Folder for metrics.json and per_class.csv.")
@click.option("--batch-size", default=8, show_default=True, type=click.IntRange(min=1), help="Images a model run.")
def evaluate(
    model: str | None,
    records: Path | None,
    detections: Path | None,
    ground_truth: Path | None,
    output: Path,
    batch_size: int,
) -> None:
    """COCO metrics of a model on records, or of a detections.csv against a labelled CSV."""
    from detloop.evaluate import evaluate_detections, evaluate_model

    if model and records and not detections and not ground_truth:
        click.echo(evaluate_model(model=model, records=records, output=output, batch_size=batch_size))
    elif detections and ground_truth and not model and not records:
        click.echo(evaluate_detections(detections=detections, ground_truth=ground_truth, output=output))
    else:
        raise click.UsageError("give --model with --records, or --detections with --ground-truth")


@main.command()
@click.option("--config", required=True, metavar="URI", help="The pipeline.config that was trained.")
@click.option(
    "--checkpoint",
    required=True,
    metavar="URI",
    help="Checkpoint, or the training's output folder (its best, else newest).",
)
@click.option("--output", required=True, type=FILE, help="Folder for the exported model.")
@click.option("--label-map", metavar="URI", help="Label map to ship. Default: the one the config names.")
@click.option("--images", metavar="URI", help="Images to prove the export on. Default: drawn noise.")
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(["saved_model", "frozen_graph"]),
    help="May be given twice. Default: all that the model's generation has.",
)
def export(**options: Any) -> None:
    """Export a checkpoint, proven to detect what the checkpoint detects."""
    from detloop.export import export_checkpoint

    click.echo(export_checkpoint(**options))


@main.command()
@click.option("--video", required=True, metavar="URI", help="The film.")
@click.option("--output", required=True, type=FILE, help="Folder for 000001.jpg ...")
@click.option("--every", default=1, show_default=True, type=click.IntRange(min=1), help="Keep every Nth frame.")
@click.option("--first", type=click.IntRange(min=1), metavar="N", help="Stop after N frames written.")
def frames(**options: Any) -> None:
    """Write a film's frames as 000001.jpg, 000002.jpg, ..."""
    from detloop.frames import write_frames

    click.echo(write_frames(**options))


@main.command()
@images_option
@click.option(
    "--model", required=True, metavar="URI", help="The teacher: frozen graph, SavedModel, or a folder with one."
)
@click.option("--label-map", required=True, metavar="URI", help="The teacher's label map (.pbtxt).")
@click.option("--config", required=True, metavar="URI", help="The student's pipeline.config.")
@click.option("--output", required=True, type=FILE, help="Folder for the results and the pipeline's own files.")
@click.option("--checkpoint", default="", metavar="URI", help="Weights the student starts from. Default: the config's.")
@click.option("--classes", default="", help="Classes the student learns, as person,car. Default: all found.")
@click.option(
    "--threshold", default=0.5, show_default=True, help="The teacher's boxes with a score above this are labels."
)
@views_options
@click.option("--first", default=0, metavar="N", help="The first N images train, the rest validate.")
@click.option(
    "--valid-fraction", default=0.2, show_default=True, type=click.FloatRange(0, 1), help="Share that validates."
)
@click.option(
    "--label-threshold", default="", metavar="T", help="As --threshold, but of labels alone; also person=0.6,car=0.4."
)
@click.option(
    "--teacher-threshold", type=float, help="The teacher detects down to this. Default: as far as the labels need it."
)
@label_options
@click.option("--steps", default=0, help="Training steps, instead of the config's.")
@click.option("--batch-size", default=0, help="Training images a step, instead of the config's.")
@overrides_option
@click.option(
    "--shards", default=1, show_default=True, type=click.IntRange(min=1), metavar="N", help="Parts to detect in."
)
@retraining_options
@promotion_options
@runner_options
def run(output: Path, runner: str, image: str | None, network: str | None, **arguments: Any) -> None:
    """Run the whole loop on this machine: the pipeline of pipeline.py through kfp.local, no container engine needed.

    --tile to --cross-class-iou are the teacher's alone: `detloop detect --help` tells more of them.
    """
    from detloop.cluster import VERSION_PARAMETERS, plan_containers, run_locally
    from detloop.cluster.fingerprint import files_fingerprint, images_fingerprint
    from detloop.promotion import champion_version
    from detloop.records.trust_choice import lowest_score_needed

    if arguments["teacher_threshold"] is None:
        needs = (arguments[name] for name in ("label_threshold", "choose_thresholds", "ignore_from"))
        arguments["teacher_threshold"] = lowest_score_needed(*needs)
    arguments = {name: value for name, value in arguments.items() if value is not None}
    arguments["overrides"] = "\n".join(arguments["overrides"])
    for name in ("images", "model", "label_map", "config", "checkpoint"):
        arguments[name] = _for_steps(name, arguments[name]) if arguments[name] else ""
    tables = [name for name in ("choose_thresholds", "manifest") if arguments.get(name) not in (None, "scores")]
    arguments |= {name: os.path.abspath(local_path(str(arguments[name]))) for name in tables}
    arguments["labels_version"] = files_fingerprint(*(arguments[name] for name in tables))
    arguments["images_version"] = images_fingerprint(arguments["images"], arguments["model"], arguments["label_map"])
    arguments["config_version"] = files_fingerprint(arguments["config"], arguments["checkpoint"])
    if arguments["promoted"] and not in_bucket(arguments["promoted"]):
        arguments["promoted"] = os.path.abspath(local_path(arguments["promoted"]))
    arguments["promoted_version"] = champion_version(arguments["promoted"])
    containers = None
    if runner == "docker":
        containers = plan_containers(image, arguments.values(), network, arguments["promoted"])
        arguments |= {name: f"{arguments[name]} {containers.image_id}" for name in VERSION_PARAMETERS}
    elif image or network:
        raise click.UsageError("--image and --network are for --runner docker")
    from pipeline import RESULTS, detection_loop

    click.echo(run_locally(detection_loop, RESULTS, arguments, output, containers))


def _for_steps(name: str, uri: str) -> str:
    """What names an input in every working folder: images in a bucket stay there, all else becomes a local path."""
    return uri if name == "images" and in_bucket(uri) else os.path.abspath(fetch(uri, name.replace("_", " ")))


@main.group()
def zoo() -> None:
    """Pre-trained detectors of the TF1 and TF2 detection zoos: teachers, and weights for students to start from."""


@zoo.command("list")
@click.option("--filter", "words", default="", metavar="TEXT", help="Only names with these words, as 'resnet50 640'.")
@click.option("--generation", type=click.Choice(["tf1", "tf2"]), help="Only models of this generation.")
@click.option("--sizes", is_flag=True, help="Ask the server for the download sizes. Default: of cached archives only.")
def zoo_list(**options: Any) -> None:
    """List the models with the figures published for them."""
    from detloop.zoo import list_models

    click.echo(list_models(**options))


@zoo.command("get")
@click.argument("name")
@click.option("--output", type=FILE, help="New folder to unpack into. Default: the model's folder in the cache.")
def zoo_get(**options: Any) -> None:
    """Fetch, check and unpack a model, once; prints its folder's path."""
    from detloop.zoo import get_model

    click.echo(get_model(**options))


for _command in (*promotion_cli.COMMANDS, *cluster_cli.COMMANDS):
    main.add_command(_command)


if __name__ == "__main__":
    sys.exit(main())
