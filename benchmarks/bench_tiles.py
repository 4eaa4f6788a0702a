"""What `detloop detect` with tiles and mirrored views costs: its passes a second against the plain detector's.

    python -m benchmarks.bench_tiles --model frozen_inference_graph.pb --images FOLDER [--rounds 5] [--first 60]

The plain detector runs on each image once, the other one on the whole frame and tiles of it, and on all of these
mirrored, and merges the boxes. Both are timed from their first image to their last row, the model loaded before. The
plain detector goes through the images as often as the other one looks at each, so that both make the same number of
passes. Prints the median of the rounds, in which the two alternate, each in a process of its own, and their ratio.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.bench_detect import CLASSES, link_copies
from detloop.detect import detect_images
from detloop.labels import LabelMap, write_label_map

REQUIRED_RATIO = 0.85
PASSES_OF_WAY = {"plain": 1, "tiled": 14}


def run_one_way(way: str, model: Path, folder: Path, tile: str) -> float:
    """Detects in folder/<way>; passes a second."""
    seeing_more = {"tile": tile, "overlap": 0.4, "flip": True} if way == "tiled" else {}
    summary = detect_images(
        model=str(model),
        label_map=str(folder / "label_map.pbtxt"),
        images=str(folder / way),
        output=folder / f"{way}.csv",
        **seeing_more,
    )
    return summary.passes / summary.seconds


def rate_in_own_process(way: str, model: Path, folder: Path, tile: str) -> float:
    command = [sys.executable, "-m", "benchmarks.bench_tiles", "--only", way, "--tile", tile]
    command += ["--model", str(model), "--images", str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout.splitlines()[-1])


def measure(model: Path, images: list[Path], rounds: int, tile: str, folder: Path) -> None:
    """Prints every figure."""
    write_label_map(LabelMap(CLASSES), folder / "label_map.pbtxt")
    for way, passes in PASSES_OF_WAY.items():
        link_copies(images, max(PASSES_OF_WAY.values()) // passes, folder / way)
    rates: dict[str, list[float]] = {way: [] for way in PASSES_OF_WAY}
    for number in range(1, rounds + 1):
        for way, rates_of_way in rates.items():
            rates_of_way.append(rate_in_own_process(way, model, folder, tile))
        shown = ", ".join(f"{way} {rates_of_way[-1]:.1f} passes/s" for way, rates_of_way in rates.items())
        print(f"round {number}: {shown}", flush=True)
    for way, rates_of_way in rates.items():
        print(f"{way}: {statistics.median(rates_of_way):.1f} passes/s")
    ratio = statistics.median(tiled / plain for tiled, plain in zip(rates["tiled"], rates["plain"], strict=True))
    print(f"ratio: {ratio:.2f} (at least {REQUIRED_RATIO})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="frozen graph")
    parser.add_argument("--images", type=Path, required=True, help="folder of JPEGs")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--first", type=int, default=60, metavar="N", help="images of the folder a round")
    parser.add_argument("--tile", default="384x384", metavar="WxH", help="7 windows of an image of 768x576")
    parser.add_argument("--only", choices=sorted(PASSES_OF_WAY), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(run_one_way(options.only, options.model, options.images, options.tile))
        return
    images = sorted(path.resolve() for path in options.images.glob("*.jpg"))[: options.first]
    if not images:
        parser.error(f"--images {options.images}: no .jpg there")
    with tempfile.TemporaryDirectory(prefix="bench-tiles-") as folder:
        measure(options.model, images, options.rounds, options.tile, Path(folder))


if __name__ == "__main__":
    main()
