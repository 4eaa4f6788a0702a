"""The demo: a real film, a real detector, and the whole loop on this machine.

`make demo` labels frames 1 to 600 of a film of pedestrians, trains a student on the labels, measures it, exports it,
detects again with it, and shows teacher and student side by side. `make demo QUICK=1` does it with 60 frames,
`make demo FULL=1` trains twice as long.
"""

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from demo.film import find_film
from demo.teacher import find_teacher
from detloop.errors import DetloopError

DEMO = Path(__file__).resolve().parent
LABELS = (
    *("--tile", "300x300", "--overlap", 0.35),
    *("--label-threshold", 0.4, "--keep-negatives", "--group-by-time", 12),
)
"""How the teacher looks and what of it is believed; docs/labels.md tells what each is worth."""

SHOWN_ABOVE = 0.6
"""The score from which both detectors' boxes are kept and shown: the student's scores are higher than its teacher's."""

SCHEDULE_STEPS = "train_config.optimizer.momentum_optimizer.learning_rate.cosine_decay_learning_rate.total_steps"
"""Over so many steps the learning rate falls; no fewer than the config's, whose warm-up alone takes 20."""


@dataclass(frozen=True)
class Size:
    """How much of the film is labelled, how long the student trains, and the name of the folder in out/."""

    name: str
    frames: int
    steps: int


QUICK = Size("demo-quick", frames=60, steps=20)
PLAIN = Size("demo", frames=600, steps=300)
FULL = Size("demo-full", frames=600, steps=600)


def main() -> None:
    options = parse_options()
    began = time.monotonic()
    size = options.size
    output = options.output or Path("out") / size.name
    try:
        film = find_film(options.video, Path("out") / "film")
        model, label_map = find_teacher(output)
    except DetloopError as error:
        sys.exit(f"demo: error: {error}")
    frames = output / "frames"
    if not frames.exists():
        run_detloop("frames", "--video", film, "--output", frames, "--first", size.frames)
    run_detloop(
        "run",
        *("--images", frames),
        *("--model", model, "--label-map", label_map, "--checkpoint", model),
        *("--config", DEMO / "pipeline.config", "--classes", "person"),
        *LABELS,
        *("--threshold", SHOWN_ABOVE),
        *("--steps", size.steps, "--set", f"{SCHEDULE_STEPS}={max(size.steps, PLAIN.steps)}", "--output", output),
    )
    print(f"\nteacher and student side by side: {(output / 'report.html').resolve()}")
    print(f"demo finished in {time.monotonic() - began:.0f} s")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.set_defaults(size=PLAIN)
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--quick", dest="size", action="store_const", const=QUICK, help="60 frames and 20 steps")
    sizes.add_argument("--full", dest="size", action="store_const", const=FULL, help="600 frames and 600 steps")
    parser.add_argument("--video", type=Path, help="the film vtest.avi, where it is already here")
    parser.add_argument("--output", type=Path, help="default: out/demo, out/demo-quick, out/demo-full")
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
