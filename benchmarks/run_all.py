"""Every benchmark, one after another, on the demo's film and teacher: `make bench`."""

import subprocess
import sys
from pathlib import Path

from demo.film import find_film
from demo.teacher import find_teacher
from detloop.frames import write_frames

FRAMES = 200


def main() -> None:
    folder = Path("out") / "bench"
    model, _ = find_teacher(folder)
    frames = folder / "frames"
    if not frames.exists():
        write_frames(video=str(find_film(None, Path("out") / "film")), output=frames, first=FRAMES)
    on_the_film = ["--model", str(model), "--images", str(frames)]
    run("bench_detect", *on_the_film)
    run("bench_tiles", *on_the_film)
    run("bench_records")
    run("bench_training", *on_the_film)
    run("bench_training_loops", *on_the_film)
    run("bench_step_overhead")
    run("bench_container_overhead")
    run("bench_store")


def run(name: str, *arguments: str) -> None:
    print(f"\n{name}", flush=True)
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *arguments], check=False)


if __name__ == "__main__":
    main()
