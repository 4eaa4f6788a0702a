"""The demo: a real film, a real detector, and the whole loop on this machine.

`make demo` labels frames 1 to 600 of a film of pedestrians, trains a student on the labels, measures it, exports it,
detects again with it, and shows teacher and student side by side. `make demo QUICK=1` does it with 60 frames.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from demo.film import find_film
from demo.teacher import find_teacher
from detloop.errors import DetloopError

DEMO = Path(__file__).resolve().parent
FULL = {"frames": 600, "steps": 300}
QUICK = {"frames": 60, "steps": 20}


def main() -> None:
    options = parse_options()
    began = time.monotonic()
    size = QUICK if options.quick else FULL
    output = options.output or Path("out") / ("demo-quick" if options.quick else "demo")
    try:
        film = find_film(options.video, Path("out") / "film")
        model, label_map = find_teacher(output)
    except DetloopError as error:
        sys.exit(f"demo: error: {error}")
    frames = output / "frames"
    if not frames.exists():
        run_detloop("frames", "--video", film, "--output", frames, "--first", size["frames"])
    run_detloop(
        "run",
        *("--images", frames),
        *("--model", model, "--label-map", label_map, "--checkpoint", model),
        *("--config", DEMO / "pipeline.config", "--classes", "person"),
        *("--steps", size["steps"], "--output", output),
    )
    print(f"\nteacher and student side by side: {(output / 'report.html').resolve()}")
    print(f"demo finished in {time.monotonic() - began:.0f} s")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="60 frames and 20 steps")
    parser.add_argument("--video", type=Path, help="the film vtest.avi, where it is already here")
    parser.add_argument("--output", type=Path, help="default: out/demo, out/demo-quick")
    return parser.parse_args()


def run_detloop(*arguments: object) -> None:
    """Runs a detloop command as a user would, and stops with its exit code if it fails."""
    command = [sys.executable, "-m", "detloop.cli", *map(str, arguments)]
    print(f"$ detloop {' '.join(map(str, arguments))}", flush=True)
    code = subprocess.run(command, check=False).returncode  # noqa: S603
    if code:
        sys.exit(code)


if __name__ == "__main__":
    main()
