"""A pipeline with the results of the real one, whose steps take no time and can be made to fail or to wait.

Run as a program it takes the arguments as JSON, the output folder and, to run in containers, the id of their image.
"""

import json
import sys
from pathlib import Path

from kfp import dsl

RESULTS = {
    "teacher_detections": ("label.detections",),
    "model": ("learn.model",),
    "evaluation": ("learn.evaluation",),
    "metrics": ("learn.metrics",),
    "student_detections": ("nowhere.detections", "label.detections"),
    "records_report": ("learn.page",),
    "report": ("learn.page",),
}


@dsl.component(base_image="tiny:1", install_kfp_package=False)
def label(text: str, diary: str, detections: dsl.Output[dsl.Dataset]) -> None:
    from pathlib import Path

    with open(diary, "a", encoding="utf-8") as file:
        print(f"label {text}", file=file)
    Path(detections.path).mkdir(parents=True)
    Path(detections.path, "detections.csv").write_text(text)
    detections.metadata["boxes"] = len(text)
    print(f"labelled {text}")


@dsl.component(base_image="tiny:1", install_kfp_package=False)
def learn(
    detections: dsl.Input[dsl.Dataset],
    diary: str,
    gate: str,
    trouble: str,
    model: dsl.Output[dsl.Model],
    evaluation: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    page: dsl.Output[dsl.HTML],
) -> None:
    import os
    import time
    from pathlib import Path

    from detloop.errors import DetloopError

    with open(diary, "a", encoding="utf-8") as file:
        print("learn", file=file)
    for folder in (Path(model.path, "saved_model"), evaluation.path):
        Path(folder).mkdir(parents=True, exist_ok=True)
    with open(Path(model.path, "saved_model/attempts"), "a", encoding="utf-8") as file:
        print("begun", file=file)
    while gate and not os.path.exists(gate):
        time.sleep(0.05)
    if trouble == "bad input":
        raise DetloopError(f"{detections.path}: nothing to learn from")
    if trouble == "full disk":
        raise OSError(28, "No space left on device", model.path)
    if trouble == "bug":
        raise ZeroDivisionError("division by zero")
    if trouble == "killed":
        os.kill(os.getpid(), 9)
    Path(evaluation.path, "metrics.json").write_text("{}")
    Path(page.path).write_text("<p>learnt</p>")
    Path(metrics.path).write_text("{}")
    metrics.log_metric("AP", 0.5)
    model.metadata["steps"] = 3


@dsl.pipeline(name="tiny-loop")
def tiny_loop(text: str, diary: str, gate: str = "", trouble: str = "") -> None:
    labelled = label(text=text, diary=diary).set_display_name("label it all")
    learn(detections=labelled.output, diary=diary, gate=gate, trouble=trouble)


if __name__ == "__main__":
    from detloop.cluster import run_locally
    from detloop.cluster.containers import Containers

    image = Containers(sys.argv[3]) if len(sys.argv) > 3 else None
    print(run_locally(tiny_loop, RESULTS, json.loads(sys.argv[1]), Path(sys.argv[2]), image))
