"""The detection loop as a graph: a teacher labels the images, a student is trained on them, measured, and detects."""

from typing import Any

from kfp import dsl

from components.collect import collect
from components.detect import detect
from components.evaluate import evaluate
from components.export import export
from components.promote import promote
from components.records import records
from components.report import report
from components.select import select
from components.summary import summary
from components.train import train

__all__ = ["RESULTS", "detection_loop", "summary"]

RESULTS = {
    "listing": ("select.listing",),
    "teacher_detections": ("detect.detections", "collect.detections"),
    "records": ("records.records",),
    "records_report": ("records.page",),
    "training": ("train.training",),
    "model": ("export.model",),
    "evaluation": ("evaluate.evaluation",),
    "student_detections": ("detect-3.detections", "collect-2.detections"),
    "report": ("report.page",),
    "promotion": ("promote.page",),
}
"""What a run is kept for, as TASK.OUTPUT; of two the one that was made. KFP lets no output leave a condition."""


def _detect_in_shards(detector: str, chosen: Any, shards: Any, **options: Any) -> Any:
    """Detection as one step, or as one a shard and one that collects what these found."""
    options["listing"] = chosen.outputs["listing"]
    with dsl.If(shards == 1, "in one"):
        whole = detect(**options).set_display_name(f"detect with {detector}")
    with dsl.Else("in shards"):
        with dsl.ParallelFor(chosen.outputs["shards"], name="shards") as shard:
            part = detect(shard=shard, **options).set_display_name(f"detect a shard with {detector}")
        together = collect(
            shards=dsl.Collected(part.outputs["detections"]), listing=chosen.outputs["listing"]
        ).set_display_name(f"collect what {detector} found")
    return dsl.OneOf(whole.outputs["detections"], together.outputs["detections"])


@dsl.pipeline(name="detection-loop", description="Label images with a teacher, train a student on them, measure both.")
def detection_loop(
    images: str,
    model: str,
    label_map: str,
    config: str,
    checkpoint: str = "",
    classes: str = "",
    threshold: float = 0.5,
    tile: str = "",
    overlap: float = 0.25,
    flip: bool = False,
    scales: str = "1",
    merge: str = "finest",
    merge_iou: float = 0.5,
    cross_class_iou: float = 1.0,
    first: int = 0,
    valid_fraction: float = 0.2,
    group_by: str = "",
    class_map: str = "",
    teacher_threshold: float = 1.0,
    label_threshold: str = "",
    choose_thresholds: str = "",
    f_beta: float = 1.0,
    ignore_from: float = 0.0,
    score_weights: bool = False,
    keep_negatives: bool = False,
    negative_ratio: float = -1.0,
    group_by_time: int = 0,
    group_by_column: str = "",
    manifest: str = "",
    near_duplicates: str = "off",
    static_boxes: str = "off",
    steps: int = 0,
    batch_size: int = 0,
    overrides: str = "",
    images_version: str = "",
    shards: int = 1,
    promoted: str = "",
    new_only: bool = True,
    least_new: int = 1,
    warm_start: bool = True,
    metric: str = "AP",
    least_gain: float = 0.0,
    config_version: str = "",
    labels_version: str = "",
    promoted_version: str = "",
) -> None:
    """Label, train, export, measure, detect again, and promote.

    Args:
        images: Where the images lie: a folder, a glob pattern or a manifest.
        model: The teacher: a frozen graph, a SavedModel, or a folder with either.
        label_map: The teacher's label map (.pbtxt).
        config: The student's pipeline.config.
        checkpoint: Weights the student starts from; empty for the config's.
        classes: Classes the student learns, as person,car; empty for all that the teacher found.
        threshold: Boxes of the teacher with a score above this become labels; the student is shown at the same.
        tile: Size in pixels, as 384x384, of tiles that the teacher looks at besides the whole frame; empty for none.
        overlap: Share of a tile by which its neighbour overlaps it.
        flip: The teacher looks at every view mirrored, too.
        scales: How many times as large the teacher is shown objects, as 1,1.5.
        merge: How the teacher's boxes of several views are merged, finest, nms or wbf.
        merge_iou: Boxes of several views that overlap more than this are one object's.
        cross_class_iou: Of the teacher's boxes of different classes that overlap more the best is kept; 1 keeps all.
        first: The first so many images train, the rest validate; 0 to split by hash.
        valid_fraction: Share of the images that validates.
        group_by: Regular expression; images whose names match with the same text stay on one side.
        class_map: New names for the teacher's classes, as motorcycle=vehicle,car=vehicle.
        teacher_threshold: The teacher's boxes are detected down to this where it is below `threshold`; an ignore band
            and chosen thresholds need the low scores.
        label_threshold: Thresholds of the labels by class, as person=0.6,car=0.4, instead of `threshold`.
        choose_thresholds: "scores" to choose these from the scores, or a labelled CSV for its best F-beta.
        f_beta: How many times as much recall weighs as precision in that choice.
        ignore_from: Boxes from this score up to the threshold are neither object nor background; 0 for no such band.
        score_weights: Whether a label counts in the loss as much as its score.
        keep_negatives: Whether images without any wanted box are learned too.
        negative_ratio: Of these at most so many for each image with a box; below 0 for all.
        group_by_time: So many consecutive frames stay on one side; 0 for no blocks.
        group_by_column: Images with one value in this column of the manifest stay on one side.
        manifest: A CSV with the columns filename and that one.
        near_duplicates: "report" valid images that look like train images, "move" them to train, or "off".
        static_boxes: "report" boxes at one place in most images, "drop" them, or "off".
        steps: Training steps; 0 for the config's.
        batch_size: Training images a step; 0 for the config's.
        overrides: Fields of the config that change, as a.b.c=value, one a line.
        shards: In how many parts, at most, teacher and student detect at the same time.
        promoted: Where the promoted model, the champion, is kept, and what it has seen; empty for no such place.
        new_only: Whether images that a champion has seen are left out; with no new ones the run ends at once.
        least_new: Fewer new images than this are left for a later run.
        warm_start: Whether the student starts from the champion's weights, where there is one.
        metric: The figure of the evaluation that decides whether the student becomes the champion, as AP or AP50.
        least_gain: By how much it must be better than the champion's, on the same records.
        images_version: Anything that changes when the images or the teacher do, so that cached steps run again.
        config_version: Anything that changes when the config or the checkpoint does.
        labels_version: Anything that changes when the labelled CSV or the manifest does.
        promoted_version: Anything that changes when the champion does.
    """
    chosen = select(
        images=images,
        shards=shards,
        promoted=promoted,
        new_only=new_only,
        least_new=least_new,
        warm_start=warm_start,
        checkpoint=checkpoint,
        classes=classes,
        images_version=images_version,
        promoted_version=promoted_version,
    ).set_display_name("select the images")
    with dsl.If(chosen.outputs["images"] > 0, "there are images"):
        teacher = dsl.importer(artifact_uri=model, artifact_class=dsl.Model)
        teacher_label_map = dsl.importer(artifact_uri=label_map, artifact_class=dsl.Artifact)
        labelled = _detect_in_shards(
            "the teacher",
            chosen,
            shards,
            images=images,
            model=teacher.output,
            label_map=teacher_label_map.output,
            threshold=threshold,
            tile=tile,
            overlap=overlap,
            flip=flip,
            scales=scales,
            merge=merge,
            merge_iou=merge_iou,
            cross_class_iou=cross_class_iou,
            down_to=teacher_threshold,
            images_version=images_version,
        )
        written = records(
            images=images,
            detections=labelled,
            classes=chosen.outputs["classes"],
            first=first,
            valid_fraction=valid_fraction,
            group_by=group_by,
            teacher_label_map=teacher_label_map.output,
            class_map=class_map,
            threshold=threshold,
            label_threshold=label_threshold,
            choose_thresholds=choose_thresholds,
            f_beta=f_beta,
            ignore_from=ignore_from,
            score_weights=score_weights,
            keep_negatives=keep_negatives,
            negative_ratio=negative_ratio,
            group_by_time=group_by_time,
            group_by_column=group_by_column,
            manifest=manifest,
            near_duplicates=near_duplicates,
            static_boxes=static_boxes,
            labels_version=labels_version,
        )
        trained = train(
            config=config,
            records=written.outputs["records"],
            checkpoint=chosen.outputs["checkpoint"],
            steps=steps,
            batch_size=batch_size,
            overrides=overrides,
            config_version=config_version,
        )
        exported = export(images=images, training=trained.outputs["training"])
        measured = evaluate(
            model=exported.outputs["model"],
            records=written.outputs["records"],
            champion=chosen.outputs["champion"],
        )
        detected = _detect_in_shards(
            "the student",
            chosen,
            shards,
            images=images,
            model=exported.outputs["model"],
            label_map=written.outputs["label_map"],
            threshold=threshold,
            images_version=images_version,
        )
        shown = report(
            images=images,
            teacher=labelled,
            student=detected,
            evaluation=measured.outputs["evaluation"],
            training=trained.outputs["training"],
            threshold=threshold,
        )
        with dsl.If(promoted != "", "there is a place for champions"):
            promote(
                model=exported.outputs["model"],
                evaluation=measured.outputs["evaluation"],
                listing=chosen.outputs["listing"],
                promoted=promoted,
                champion=chosen.outputs["champion"],
                metric=metric,
                least_gain=least_gain,
            ).after(shown).set_caching_options(False)
