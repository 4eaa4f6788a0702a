"""Exporting a checkpoint: written, proven on images, and only then given its final name."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from detloop.engine.model_files import FROZEN_GRAPH_NAME, LABEL_MAP_NAME
from detloop.errors import DetloopError, ImageError
from detloop.export.proof import TOLERANCE, Detected, largest_difference, run_exports
from detloop.images import ImageSource, decode_rgb, open_source
from detloop.labels import LabelMap, read_label_map, write_label_map
from detloop.store import existing_file, fetch, write_folder_whole
from detloop.train.odapi.checkpoints import checkpoint_in
from detloop.train.odapi.config import (
    PipelineConfig,
    architecture_of,
    feature_extractor_of,
    generation_of,
    read_config,
    write_config,
)

PROOF_IMAGES = 4
FORMATS_OF = {"tf1": ("saved_model", "frozen_graph"), "tf2": ("saved_model",)}
OWN_NAMES = r"saved_model|frozen_inference_graph\.pb|label_map\.pbtxt|pipeline\.config"
FILE_OF_FORMAT = {"saved_model": "saved_model", "frozen_graph": FROZEN_GRAPH_NAME}


@dataclass(frozen=True)
class ExportSummary:
    """What an export made.

    Attributes:
        difference: largest difference of score or box edge between the checkpoint and any of the exports.
        detections: detections of the checkpoint above a score of 0.5 in the images of the proof.
    """

    feature_extractor: str
    generation: str
    formats: tuple[str, ...]
    checkpoint: Path
    output: Path
    size_bytes: int
    images: int
    detections: int
    difference: float
    seconds: float

    def __str__(self) -> str:
        return (
            f"{self.feature_extractor} ({self.generation}) exported as {', '.join(self.formats)} to {self.output}"
            f" ({self.size_bytes / 1e6:.1f} MB, {self.seconds:.1f} s)\n"
            f"proof: on {self.images} images the export and {self.checkpoint.name} differ by at most"
            f" {self.difference:.1e} ({self.detections} detections above 0.5)"
        )

    def metadata(self) -> dict[str, int | float | str]:
        return {
            "feature_extractor": self.feature_extractor,
            "generation": self.generation,
            "formats": ", ".join(self.formats),
            "checkpoint": self.checkpoint.name,
            "size_bytes": self.size_bytes,
            "largest_difference": self.difference,
            "seconds": round(self.seconds, 1),
        }


def export_checkpoint(
    *,
    config: str,
    checkpoint: str,
    output: Path,
    label_map: str | None = None,
    images: str | None = None,
    formats: Sequence[str] = (),
) -> ExportSummary:
    """Exports a checkpoint as SavedModel and, for TF1 models, frozen graph, each beside its label map.

    Args:
        config: the pipeline.config that was trained.
        checkpoint: a checkpoint's prefix, or a folder that `detloop train` wrote: its best is taken, or its newest
            where none was evaluated.
        label_map: default: label_map.pbtxt beside the config, else the one that the config names.
        images: images to prove the export on; default: noise.
        formats: of "saved_model" and "frozen_graph"; default: all that the model's generation has.

    Raises:
        DetloopError: an input cannot be used, or an export detects something else than its checkpoint.
    """
    began = time.monotonic()
    config_path = existing_file(config, "pipeline.config", beside=[LABEL_MAP_NAME])
    message = read_config(config_path)
    generation = generation_of(message)
    wanted = tuple(formats) or FORMATS_OF[generation]
    prefix = _checkpoint_prefix(checkpoint)
    names = _label_map_for(message, config_path, label_map)
    proof_images = _proof_images(images)
    with write_folder_whole(output, OWN_NAMES) as folder:
        of_checkpoint = _write(message, prefix, folder, wanted, proof_images)
        write_label_map(names, folder / LABEL_MAP_NAME)
        write_config(message, folder / "pipeline.config")
        difference = _proven([folder / FILE_OF_FORMAT[form] for form in wanted], proof_images, of_checkpoint)
        size_bytes = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return ExportSummary(
        feature_extractor=feature_extractor_of(message),
        generation=generation,
        formats=wanted,
        checkpoint=prefix,
        output=output,
        size_bytes=size_bytes,
        images=len(proof_images),
        detections=sum(int((found.scores > 0.5).sum()) for found in of_checkpoint),
        difference=difference,
        seconds=time.monotonic() - began,
    )


def _checkpoint_prefix(uri: str) -> Path:
    path = fetch(uri, "checkpoint")
    if path.with_name(path.name + ".index").is_file():
        return path.resolve()
    if not path.is_dir():
        raise DetloopError(f"{path}: no such checkpoint; give a checkpoint's prefix or a training's output folder")
    chosen = checkpoint_in(path)
    if chosen is None:
        raise DetloopError(f"{path}: holds no checkpoint; give a folder that `detloop train` wrote")
    return chosen.resolve()


def _label_map_for(config: PipelineConfig, config_path: Path, given: str | None) -> LabelMap:
    beside = config_path.with_name(LABEL_MAP_NAME)
    if given is not None:
        path = existing_file(given, "label map")
    elif beside.is_file():
        path = beside
    else:
        path = Path(config.train_input_reader.label_map_path)
    label_map, classes = read_label_map(path), architecture_of(config).num_classes
    if len(label_map.name_of_id) != classes:
        raise DetloopError(
            f"{path}: has {len(label_map.name_of_id)} classes, the config {config_path} has num_classes {classes};"
            " give the label map that was trained with"
        )
    return label_map


def _proof_images(uri: str | None) -> list[np.ndarray]:
    if uri is None:
        random = np.random.default_rng(seed=0)
        return [random.integers(0, 256, (240, 320, 3), dtype=np.uint8) for _ in range(PROOF_IMAGES)]
    readable = list(islice(_readable(open_source(uri)), PROOF_IMAGES))
    if not readable:
        raise DetloopError(f"{uri}: none of the images can be read; give others for the proof, or leave --images out")
    return readable


def _readable(source: ImageSource) -> Iterator[np.ndarray]:
    for name in source.names():
        try:
            yield decode_rgb(source.read_bytes(name))
        except ImageError:
            continue


def _write(
    config: PipelineConfig, checkpoint: Path, folder: Path, formats: tuple[str, ...], images: list[np.ndarray]
) -> list[Detected]:
    from detloop.train.odapi.runtime import load_api

    generation = generation_of(config)
    load_api(generation)
    if generation == "tf1":
        from detloop.train.odapi.tf1_export import write_tf1_export as write_export
    else:
        from detloop.train.odapi.tf2_export import write_tf2_export as write_export
    found = write_export(config, checkpoint, folder, formats, images)
    return [
        Detected(one["detection_boxes"][0], one["detection_scores"][0], one["detection_classes"][0].astype(int))
        for one in found
    ]


def _proven(models: list[Path], images: list[np.ndarray], of_checkpoint: list[Detected]) -> float:
    worst = 0.0
    for model, of_export in zip(models, run_exports(models, images), strict=True):
        pairs = zip(of_checkpoint, of_export, strict=True)
        difference = max(largest_difference(one, other) for one, other in pairs)
        if difference > TOLERANCE:
            raise DetloopError(
                f"the exported {model.name} detects something else than its checkpoint (differs by {difference:.2g}, at"
                f" most {TOLERANCE:g} is accepted); nothing was kept"
            )
        worst = max(worst, difference)
    return worst
