"""The demo on the kind cluster: `python -m tools.kind_demo`, or `make kind-demo`.

Sixty frames of the demo's film, its teacher and its student's config are uploaded into MinIO, and the pipeline is
submitted on them and watched to its end.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from demo.demo import DEMO, LABELS, PLAIN, QUICK, SCHEDULE_STEPS, SHOWN_ABOVE
from demo.film import find_film
from demo.teacher import find_teacher
from detloop.errors import DetloopError
from detloop.progress import Progress
from detloop.records.trust_choice import lowest_score_needed
from detloop.store import open_store
from tools.cluster_programs import (
    CONTEXT,
    NAMESPACE,
    ClusterError,
    ask,
    forwarded,
    free_port,
    kubectl,
    need,
    read_secret,
)

BUCKET = "minio://detloop"
CONFIG = "pipeline.config"
SETTINGS = Path(__file__).resolve().parents[1] / "manifests" / "site" / "settings.toml"


def main() -> None:
    options = parse_options()
    try:
        need("kubectl")
        root = root_keys()
        frames = find_frames(options.video, options.output / "frames")
        model, label_map = find_teacher(options.output)
        upload({**named("images", *frames), **named("teacher", model, label_map), CONFIG: DEMO / CONFIG}, root)
        code = submit(arguments(model.name, label_map.name), options.ui_port)
    except (ClusterError, DetloopError) as error:
        sys.exit(f"kind-demo: error: {error}")
    except KeyboardInterrupt:
        sys.exit("\nkind-demo: interrupted; a run that was submitted goes on, and KFP's UI shows it")
    port_forward = " ".join(kubectl("port-forward", "service/ml-pipeline-ui", f"{options.ui_port}:80"))
    print(
        f"\nlook at it: {port_forward}\n"
        f"then http://localhost:{options.ui_port}: Runs, the run, a step, and there its outputs and its log"
    )
    sys.exit(code)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path, help="the film vtest.avi, where it is already here")
    parser.add_argument("--ui-port", type=int, default=8080, help="this machine's port for KFP's UI (8080)")
    parser.add_argument("--output", type=Path, default=Path("out") / "kind-demo", help="default: out/kind-demo")
    return parser.parse_args()


def root_keys() -> dict[str, str]:
    """The keys of MinIO's root user, who may write where the steps only read."""
    if ask(*kubectl("get", "namespace", NAMESPACE)) is None:
        raise ClusterError(f"the cluster {CONTEXT} does not answer; make it by `make kind-up`")
    keys = read_secret("minio-root")
    if keys is None:
        raise ClusterError("MinIO is not installed yet; `make kind-up` goes on where it was")
    return keys


def find_frames(video: Path | None, folder: Path) -> list[Path]:
    """The film's first frames, taken from it where they are not there yet."""
    if not folder.exists():
        film = find_film(video, Path("out") / "film")
        code = run_detloop("frames", "--video", film, "--output", folder, "--first", QUICK.frames)
        if code:
            sys.exit(code)
    return sorted(folder.glob("*.jpg"))


def named(folder: str, *paths: Path) -> dict[str, Path]:
    """Files by the names that they get in a folder of the bucket."""
    return {f"{folder}/{path.name}": path for path in paths}


def upload(files: dict[str, Path], root: dict[str, str]) -> None:
    keys = {"MINIO_ACCESS_KEY": root["accesskey"], "MINIO_SECRET_KEY": root["secretkey"]}
    with forwarded("object-store", 9000, free_port()) as endpoint, environment(keys | {"MINIO_ENDPOINT": endpoint}):
        store = open_store(BUCKET)
        with Progress("upload", len(files), unit="files") as progress:
            for name, path in files.items():
                store.write_file(name, path)
                progress.update(1)


@contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """This process's environment with these variables and none of AWS's, which would be asked first."""
    before = dict(os.environ)
    for name in [name for name in before if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= variables
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def submit(given: dict[str, object], ui_port: int) -> int:
    """Submits the pipeline and watches it; the exit code of `detloop submit`."""
    with forwarded("ml-pipeline-ui", 80, ui_port):
        endpoint = f"http://localhost:{ui_port}"
        print(f"KFP's UI is at {endpoint} as long as this goes on", flush=True)
        words = [word for name, value in given.items() for word in ("--argument", f"{name}={value}")]
        where = ("--endpoint", endpoint, "--profile", "cpu", "--settings", SETTINGS)
        return run_detloop("submit", "--wait", *where, *words)


def arguments(model: str, label_map: str) -> dict[str, object]:
    """The pipeline's arguments: the quick demo's, with its files in the bucket."""
    labels = dict(as_arguments(LABELS))
    return {
        "images": f"{BUCKET}/images",
        "model": f"{BUCKET}/teacher/{model}",
        "label_map": f"{BUCKET}/teacher/{label_map}",
        "checkpoint": f"{BUCKET}/teacher/{model}",
        "config": f"{BUCKET}/{CONFIG}",
        "classes": "person",
        "steps": QUICK.steps,
        "overrides": f"{SCHEDULE_STEPS}={PLAIN.steps}",
        "threshold": SHOWN_ABOVE,
        "teacher_threshold": lowest_score_needed(
            labels.get("label_threshold"),
            labels.get("choose_thresholds"),
            float(labels["ignore_from"]) if "ignore_from" in labels else None,
        ),
        **labels,
    }


def as_arguments(options: Sequence[object]) -> Iterator[tuple[str, str]]:
    """Options of `detloop run` as arguments of the pipeline: --ignore-from 0.2 as ignore_from=0.2, a flag as true."""
    words = [*options, "--"]
    for word, following in pairwise(words):
        if str(word).startswith("--"):
            is_flag = str(following).startswith("--")
            yield str(word)[2:].replace("-", "_"), "true" if is_flag else str(following)


def run_detloop(*words: object) -> int:
    """Runs a detloop command as a user would; its exit code."""
    print(f"$ detloop {' '.join(map(str, words))}", flush=True)
    command = [sys.executable, "-m", "detloop.cli", *map(str, words)]
    return subprocess.run(command, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    main()
