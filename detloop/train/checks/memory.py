"""An estimate of what a training holds in memory, against what there is."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from detloop.train.checks.findings import Finding
from detloop.train.checks.image_size import input_size
from detloop.train.checks.survey import Survey
from detloop.train.odapi.config import PipelineConfig, feature_extractor_of

GB = 1e9
TENSORFLOW_BYTES = int(1.1 * GB)
SMALL_NETWORK_BYTES_A_PIXEL, NETWORK_BYTES_A_PIXEL = 1600, 3000
"""What training keeps for each pixel of the input, in layers' outputs and gradients.

Measured as the growth of the process's peak with the batch, on a CPU: SSD MobileNetV2 1400 (TF1) and 1600 (TF2), SSD
ResNet50 FPN 2100; deeper networks keep more.
"""

_SMALL_NETWORKS = ("mobilenet", "mobiledet", "spaghettinet", "efficientnet-b0")
_DECODED_BYTES_A_PIXEL = 3 * 4
_COPIES_WHILE_DECODING = 4
_BATCHES_AHEAD = 3
_CAREFUL_SHARE = 0.9


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes, and how they come about.

    Attributes:
        network_bytes: held where the network runs: in main memory, or on the GPU.
        input_bytes: held in main memory by TensorFlow and the input pipeline.
    """

    network_bytes: int
    input_bytes: int
    formula: str


def estimate_memory(config: PipelineConfig, train: Survey) -> MemoryEstimate | None:
    """Modest: right to about a factor of two. None without an image of known size."""
    if not train.image_sizes_wh or not train.read:
        return None
    image_wh = max(train.image_sizes_wh, key=lambda size: size[0] * size[1])
    width, height = input_size(config, image_wh)
    batch_size, reader = config.train_config.batch_size, config.train_input_reader
    is_small = any(name in feature_extractor_of(config) for name in _SMALL_NETWORKS)
    bytes_a_pixel = SMALL_NETWORK_BYTES_A_PIXEL if is_small else NETWORK_BYTES_A_PIXEL
    network_bytes = width * height * batch_size * bytes_a_pixel
    decoding = (os.cpu_count() or 1) * image_wh[0] * image_wh[1] * _DECODED_BYTES_A_PIXEL * _COPIES_WHILE_DECODING
    waiting = _BATCHES_AHEAD * batch_size * width * height * _DECODED_BYTES_A_PIXEL
    shuffled = reader.shuffle_buffer_size * train.read_bytes // train.read if reader.shuffle else 0
    formula = (
        f"network {width}x{height} pixels x batch {batch_size} x {bytes_a_pixel} bytes = {network_bytes / GB:.1f} GB,"
        f" shuffle buffer {reader.shuffle_buffer_size} records = {shuffled / GB:.1f} GB,"
        f" images being decoded and waiting {(decoding + waiting) / GB:.1f} GB,"
        f" TensorFlow {TENSORFLOW_BYTES / GB:.1f} GB"
    )
    return MemoryEstimate(network_bytes, TENSORFLOW_BYTES + decoding + waiting + shuffled, formula)


def check_memory(
    config: PipelineConfig, train: Survey, main_bytes: int | None, gpu_bytes: int | None = None
) -> list[Finding]:
    """Whether the estimate fits.

    Args:
        main_bytes: main memory that the process may use; None where that is not known.
        gpu_bytes: the GPU's memory; None without one, then the network runs in main memory.
    """
    estimate = estimate_memory(config, train)
    if estimate is None:
        return []
    in_main_bytes = estimate.input_bytes + (0 if gpu_bytes else estimate.network_bytes)
    findings = []
    for what, needed, there in (
        ("main memory", in_main_bytes, main_bytes),
        ("GPU memory", estimate.network_bytes, gpu_bytes),
    ):
        if there and needed > _CAREFUL_SHARE * there:
            figures = f"about {needed / GB:.1f} GB of {there / GB:.1f} GB (estimate: {estimate.formula})"
            advice = "give a smaller --batch-size, a smaller image_resizer or a smaller shuffle_buffer_size"
            findings.append(Finding("warning", what, f"the training may need {figures}", advice))
    return findings


def main_memory_bytes(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """The machine's memory, or the least that a control group above this process allows; None if neither is known."""
    limits = [*_machine_bytes(proc), *_cgroup_limits(proc, cgroups)]
    return min(limits, default=None)


def _machine_bytes(proc: Path) -> list[int]:
    lines = _lines(proc / "meminfo")
    return [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemTotal:")]


def _cgroup_limits(proc: Path, cgroups: Path) -> list[int]:
    """The limits of the process's group and those above it, in version 1 and 2 of the interface."""
    limits = []
    for line in _lines(proc / "self" / "cgroup"):
        _, controllers, group = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        root, name = (cgroups, "memory.max") if not controllers else (cgroups / "memory", "memory.limit_in_bytes")
        folder = root / group.lstrip("/")
        for ancestor in (folder, *folder.parents):
            if ancestor.is_relative_to(root):
                limits += [int(text) for text in _lines(ancestor / name) if text.isdecimal()]
    return limits


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def gpu_memory_bytes() -> int | None:
    """The first GPU's memory, as nvidia-smi says; None where there is none."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return None
    query = [command, "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, check=True, timeout=10)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    first = (done.stdout.split() or [""])[0]
    return int(first) * 2**20 if first.isdecimal() else None
