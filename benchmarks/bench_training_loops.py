"""detloop's training loop against the Object Detection API's own, and against one batch kept in memory.

    python -m benchmarks.bench_training_loops --model frozen_inference_graph.pb --images FOLDER [--steps 20]

For a TF1 model (the demo's SSDLite) and a TF2 model of the same size; the same config and records for all ways, each in
a process of its own, in turn. Required: steps a second at least those of the API's loop and 0.9 of those on one batch
in memory, and peak memory at most half of the API's loop. Beside them stands the rate of detloop's input pipeline
alone, which says how much of a step decoding takes. Last the seconds from the command `detloop train` to its first
step, of which there may be 40.

Memory depends on how many records there are: both loops shuffle encoded records in a buffer that is filled before the
first step. So the images' records are read as several files, until they are at least LEAST_RECORDS, more than the
buffer's default of 2048. The reader's other settings are the configs' own; only batch size and steps are set.
"""

import argparse
import json
import math
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bench_training import CONFIG, labelled
from detloop.examples import count_records
from detloop.train.odapi.config import read_config, write_config
from detloop.train.settings import fill_in, open_records_folder

CONFIGS = {"tf1": CONFIG, "tf2": CONFIG.parent.parent / "configs" / "ssd_mobilenet_v2_keras.config"}
WAYS = ("api", "detloop", "memory", "input")
BATCH_SIZE = 8
LEAST_RECORDS = 2400
MOST_SECONDS_TO_FIRST_STEP = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, type=Path)
    parser.add_argument("--images", required=True)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--generation", choices=CONFIGS, help="only this one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-training-") as temporary:
        folder = Path(temporary)
        records = labelled(options.model, options.images, folder)
        print(f"{_multiply(records)} records to train on, batches of {BATCH_SIZE}", flush=True)
        for generation, source in CONFIGS.items():
            if options.generation in (None, generation):
                config = _config_without_weights(source, records, folder / f"{generation}.config", options.steps)
                _compare(generation, config, folder, options.steps, options.rounds)
        seconds = [_seconds_to_first_step(options.model, records, folder / "first") for _ in range(options.rounds)]
        print(
            f"from the command to the first step: {statistics.median(seconds):.1f} s"
            f" (at most {MOST_SECONDS_TO_FIRST_STEP})"
        )


def _multiply(records: Path) -> int:
    """Copies the record file to train on until there are LEAST_RECORDS; how many records there are then."""
    (written,) = records.glob("train-*.record")
    count = count_records(written)
    copies = math.ceil(LEAST_RECORDS / count)
    for number in range(1, copies):
        shutil.copyfile(written, written.with_name(f"train-copy-{number:03d}.record"))
    return copies * count


def _config_without_weights(source: Path, records: Path, target: Path, steps: int) -> Path:
    config = read_config(source)
    config.train_config.fine_tune_checkpoint = ""
    fill_in(config, open_records_folder(records), steps, BATCH_SIZE)
    write_config(config, target)
    return target


def _compare(generation: str, config: Path, folder: Path, steps: int, rounds: int) -> None:
    measured: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for number in range(rounds):
        for way in WAYS:
            measured[way].append(_measured(way, config, folder / f"{generation}-{way}-{number}", steps))
            print(
                f"{generation} round {number + 1} {way}: {json.dumps(measured[way][-1])}", file=sys.stderr, flush=True
            )
    rate, peak_gb = (
        {way: statistics.median(one[name] for one in runs) for way, runs in measured.items()}
        for name in ("steps_per_second", "peak_gb")
    )
    for way in WAYS:
        print(f"{generation} {way + ':':<9}{rate[way]:>7.2f} steps/s, peak {peak_gb[way]:.2f} GB")
    against_api = rate["detloop"] / rate["api"]
    against_memory = rate["detloop"] / rate["memory"]
    peak = peak_gb["detloop"] / peak_gb["api"]
    print(f"{generation} steps/s, detloop to the API's loop: {against_api:.2f} (at least 1)")
    print(f"{generation} steps/s, detloop to one batch in memory: {against_memory:.2f} (at least 0.9)")
    print(f"{generation} peak memory, detloop to the API's loop: {peak:.2f} (at most 0.5)", flush=True)


def _measured(way: str, config: Path, output: Path, steps: int) -> dict[str, float]:
    """What benchmarks.training_loops measures of one way, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.training_loops", way, config, output, steps]
    done = subprocess.run(_texts(command), stdout=subprocess.PIPE, text=True, check=True)
    shutil.rmtree(output, ignore_errors=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _seconds_to_first_step(model: Path, records: Path, output: Path) -> float:
    command = [sys.executable, "-m", "detloop.cli", "train", "--config", CONFIG, "--records", records, "--no-resume"]
    command += ["--checkpoint", model, "--steps", 1000, "--output", output]
    log = output / "training_log.csv"
    log.unlink(missing_ok=True)
    began = time.monotonic()
    process = subprocess.Popen(_texts(command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (log.exists() and len(log.read_text().splitlines()) > 1):
        time.sleep(0.01)
    taken = time.monotonic() - began
    failed = process.poll() is not None
    process.kill()
    process.wait()
    if failed:
        raise RuntimeError(f"detloop train ended before its first step, with exit code {process.returncode}")
    return taken


def _texts(command: Sequence[object]) -> list[str]:
    return [str(part) for part in command]


if __name__ == "__main__":
    main()
