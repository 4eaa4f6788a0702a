"""What the study compares: how the teacher looks, what of it is believed, and how the student is trained on it."""

from dataclasses import dataclass, replace

TILES = ("--tile", "300x300", "--overlap", "0.35")
"""Tiles of the teacher's input size, in which no pixel is lost, that overlap by more than the height of a person."""

THRESHOLD, BAND = ("--threshold", "0.4"), ("--ignore-from", "0.2")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: also that of its folder.
        says: what the row differs in from the recipe, in words.
        views: options of `detloop detect` for the teacher.
        trust: options of `detloop records`.
        steps: of the training.
        overrides: fields of the demo's config that change, as `detloop train --set` takes them.
        empty_images: images of the scene without people that are labelled and learned besides the frames.
    """

    name: str
    says: str
    views: tuple[str, ...] = TILES
    trust: tuple[str, ...] = (*THRESHOLD, *BAND)
    steps: int = 200
    overrides: tuple[str, ...] = ()
    empty_images: int = 0


RECIPE = Row("recipe", "tiles; learned above 0.4, ignored from 0.2")
SINGLE_PASS = replace(RECIPE, name="single-pass", says="labels: the whole frame alone", views=())
SIZE, SSD = "model.ssd.image_resizer.fixed_shape_resizer", "model.ssd"
MATCHER = f"{SSD}.matcher.argmax_matcher"
MINER = f"{SSD}.loss.hard_example_miner"
LEARNING_RATE = "train_config.optimizer.momentum_optimizer.learning_rate.cosine_decay_learning_rate"
AUGMENTATIONS = "train_config.data_augmentation_options"


def _labels(name: str, says: str, *views: str) -> Row:
    return replace(RECIPE, name=name, says=f"labels: {says}", views=views)


def _records(name: str, says: str, *trust: str) -> Row:
    return replace(RECIPE, name=name, says=f"records: {says}", trust=trust)


def _training(name: str, says: str, *overrides: str) -> Row:
    return replace(RECIPE, name=name, says=f"training: {says}", overrides=overrides)


ROWS = {
    row.name: row
    for row in (
        RECIPE,
        replace(
            SINGLE_PASS, name="as-before", says="labels: the whole frame alone, above 0.5", trust=("--threshold", "0.5")
        ),
        SINGLE_PASS,
        _labels("mirrored", "tiles and their mirror images", *TILES, "--flip"),
        _labels("fused", "boxes of all views averaged (`--merge wbf`)", *RECIPE.views, "--merge", "wbf"),
        _labels("by-score", "best score first, whatever its tile (`--merge nms`)", *RECIPE.views, "--merge", "nms"),
        _records("no-band", "nothing ignored", *THRESHOLD),
        _records("low-threshold", "above 0.25, nothing ignored", "--threshold", "0.25"),
        _records("high-threshold", "above 0.6, ignored from 0.2", "--threshold", "0.6", *BAND),
        _records("chosen-threshold", "threshold chosen from the scores", "--choose-thresholds", "scores"),
        _records("score-weights", "boxes weigh their score", *RECIPE.trust, "--score-weights"),
        replace(
            RECIPE,
            name="negatives",
            says="records: 15 images without people besides, kept as negatives",
            trust=(*RECIPE.trust, "--keep-negatives"),
            empty_images=15,
        ),
        _training("teacher-size", "input 300x300, as the teacher's", f"{SIZE}.width=300", f"{SIZE}.height=300"),
        _training(
            "random-crop",
            "`ssd_random_crop` in place of brightness and contrast",
            f"{AUGMENTATIONS}=[{{ random_horizontal_flip {{}} }}, {{ ssd_random_crop {{}} }}]",
        ),
        _training(
            "usual-anchors",
            "anchors from 0.2, matched from IoU 0.5, as in the API's configs",
            f"{SSD}.anchor_generator.ssd_anchor_generator.min_scale=0.2",
            f"{MATCHER}.matched_threshold=0.5",
            f"{MATCHER}.unmatched_threshold=0.5",
        ),
        _training(
            "more-negatives",
            "10 background anchors for each matched one instead of 3",
            f"{MINER}.max_negatives_per_positive=10",
            f"{MINER}.num_hard_examples=1000",
        ),
        _training("all-layers", "no layer frozen", "train_config.freeze_variables="),
        _training(
            "slow",
            "learning rate 0.001",
            f"{LEARNING_RATE}.learning_rate_base=0.001",
            f"{LEARNING_RATE}.warmup_learning_rate=0.0001",
        ),
        replace(RECIPE, name="more-steps", says="training: 1000 steps", steps=1000),
    )
}
