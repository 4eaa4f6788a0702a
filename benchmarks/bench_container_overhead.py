"""What a step costs beyond its work when the pipeline runs it in a container: `detloop records`, which needs no
TensorFlow.

    python -m benchmarks.bench_container_overhead [--rounds 5]

Needs Docker, or podman's service and DOCKER_HOST, and the image of `make images TARGETS=cpu`. The rivals are the same
function called in this process, its modules imported already, and the engine's own share: a container of the same image
that ends at once. The step starts a container, imports the modules, and has its inputs and results passed by kfp.local.
Prints one line a figure, medians of the rounds in which the three alternate; exits with 1 when a step adds more than
1.5 seconds.
"""

import argparse
import contextlib
import statistics
import sys
import tempfile
import time
from pathlib import Path

from kfp import local

from benchmarks.bench_step_overhead import IMAGES, draw_inputs, one_step, seconds_of_call
from detloop.cluster.containers import NO_NETWORK, Containers, connect_engine, plan_containers
from detloop.cluster.local_run import kfp_kept_quiet
from detloop.cluster.step_container import StepContainers
from detloop.errors import DetloopError
from detloop.labels import LabelMap, write_label_map

MOST_SECONDS_ADDED = 1.5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each; the median counts")
    rounds = parser.parse_args().rounds
    calls, empty, starts, steps = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        images, detections = draw_inputs(Path(folder))
        label_map = detections / "label_map.pbtxt"
        write_label_map(LabelMap({1: "thing"}), label_map)
        root = Path(folder) / "runs" / "pipeline"
        root.mkdir(parents=True)
        try:
            containers = plan_containers(None, [str(images), str(detections)])
        except DetloopError as error:
            sys.exit(f"bench_container_overhead: {error}")
        for number in range(rounds):
            calls.append(seconds_of_call(images, detections, Path(folder) / f"records-{number}"))
            empty.append(seconds_of_empty_container(containers))
            start, step = seconds_of_step(StepContainers(containers, root), root, (images, detections, label_map))
            starts.append(start)
            steps.append(step)
    call, container, start, step = (statistics.median(seconds) for seconds in (calls, empty, starts, steps))
    print(f"records of {IMAGES} images as a function: {call:.2f} s")
    print(f"a container that ends at once: {container:.2f} s")
    print(f"the start of a run, however many steps it has: {start:.2f} s")
    print(f"records of {IMAGES} images as a step in a container: {step:.2f} s")
    print(f"a step adds {step - call:.2f} s (at most {MOST_SECONDS_ADDED:.1f} s)")
    return int(step - call > MOST_SECONDS_ADDED)


def seconds_of_empty_container(containers: Containers) -> float:
    with contextlib.closing(connect_engine()) as engine:
        began = time.perf_counter()
        container = engine.containers.create(containers.image_id, ["true"], network_mode=NO_NETWORK, read_only=True)
        container.start()
        container.wait()
        seconds = time.perf_counter() - began
        container.remove()
    return seconds


def seconds_of_step(containers: StepContainers, root: Path, inputs: tuple[Path, Path, Path]) -> tuple[float, float]:
    """Of a run's start, and of its only step."""
    images, detections, label_map = map(str, inputs)
    local.init(containers.runner(), pipeline_root=str(root))
    began = time.perf_counter()
    try:
        with containers.in_place(), kfp_kept_quiet():
            connected = time.perf_counter()
            one_step(images=images, detections=detections, label_map=label_map)
            ended = time.perf_counter()
    except RuntimeError:
        sys.exit(f"bench_container_overhead: {containers.reason}")
    return connected - began, ended - connected


if __name__ == "__main__":
    sys.exit(main())
