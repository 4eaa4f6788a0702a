"""A kind cluster with KFP and MinIO on this machine: `python -m tools.kind_cluster up|down`.

`make kind-up` makes it, and goes on where it was when it was interrupted; `make kind-down` removes it and all that is
in it. The images that no registry has are built first, which takes seconds when nothing has changed. It needs docker,
kind, kubectl, git, make, and a network that reaches the images of kind and KFP.
"""

import argparse
import sys
from pathlib import Path

from detloop import __version__
from tools.cluster_programs import (
    CLUSTER,
    CONTEXT,
    NAMESPACE,
    ClusterError,
    apply,
    ask,
    kubectl,
    make_secret,
    need,
    run,
)
from tools.get_servers import VERSIONS

MANIFESTS = Path("manifests")
MINIO_DATE = VERSIONS["minio"].split("-")[1][:8]
IMAGES = (f"detloop:{__version__}-cpu", f"detloop-minio:{MINIO_DATE}")
"""The images that no registry has, which BUILDS builds."""
BUILDS = ("make", "image-cpu", "image-minio")
USERS = {"minio-root": "root", "mlpipeline-minio-artifact": "kfp", "detloop-images": "detloop"}
"""MinIO's users by the secret that holds their keys."""
LEAST_CPUS, LEAST_MEMORY_GB = 4, 8
CRDS = ("workflows.argoproj.io", "scheduledworkflows.kubeflow.org")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["up", "down"])
    what = parser.parse_args().what
    try:
        up() if what == "up" else down()
    except ClusterError as error:
        sys.exit(f"kind-{what}: error: {error}")
    except KeyboardInterrupt:
        sys.exit(f"\nkind-{what}: interrupted; `make kind-{what}` goes on where it was")


def up() -> None:
    need("docker", "kind", "kubectl", "git", "make")
    check_docker()
    run(*BUILDS)
    make_cluster()
    run("kind", "load", "docker-image", "--name", CLUSTER, *IMAGES)
    install_base()
    install_minio()
    install_kfp()
    print(
        f"\nKFP and MinIO are ready in the cluster {CONTEXT}, namespace {NAMESPACE}.\n"
        "  make kind-demo     uploads sample images and runs the pipeline on them\n"
        f"  {' '.join(kubectl('port-forward', 'service/ml-pipeline-ui', '8080:80'))}\n"
        "                     and http://localhost:8080 is KFP's UI"
    )


def down() -> None:
    need("docker", "kind")
    run("kind", "delete", "cluster", "--name", CLUSTER)


def check_docker() -> None:
    """Raises ClusterError where Docker does not run; warns where it is small."""
    size = ask("docker", "info", "--format", "{{.NCPU}} {{.MemTotal}}")
    if size is None:
        raise ClusterError("docker does not answer; start Docker, or see `docker info`")
    cpus, memory_bytes = map(int, size.split())
    if cpus < LEAST_CPUS or memory_bytes < LEAST_MEMORY_GB * 1e9:
        print(
            f"kind-up: warning: Docker has {cpus} CPUs and {memory_bytes / 1e9:.1f} GB; below {LEAST_CPUS} CPUs and "
            f"{LEAST_MEMORY_GB} GB pods may wait for ever",
            file=sys.stderr,
        )


def make_cluster() -> None:
    clusters = ask("kind", "get", "clusters") or ""
    if CLUSTER in clusters.split():
        return
    run("kind", "create", "cluster", "--config", str(MANIFESTS / "kind" / "cluster.yaml"), "--wait", "5m")


def install_base() -> None:
    """The namespace and KFP's own kinds, without which what uses them is refused."""
    apply(MANIFESTS / "kfp" / "cluster-scoped")
    run(*kubectl("wait", "--for=condition=established", "--timeout=2m", *(f"crd/{name}" for name in CRDS)))


def install_minio() -> None:
    for name, user in USERS.items():
        make_secret(name, user)
    # A job cannot be changed, only made anew.
    run(*kubectl("delete", "job", "minio-set-up", "--ignore-not-found"))
    apply(MANIFESTS / "minio")
    waited_for("minio", "rollout", "status", "statefulset/minio", "--timeout=5m")
    waited_for("minio-set-up", "wait", "--for=condition=complete", "--timeout=5m", "job/minio-set-up")


def install_kfp() -> None:
    apply(MANIFESTS / "kfp")
    print("KFP's images are fetched and its servers started: five to fifteen minutes the first time", flush=True)
    waited_for("KFP", "wait", "--for=condition=available", "--timeout=20m", "deployment", "--all")


def waited_for(what: str, *words: str) -> None:
    """Waits by a kubectl command; where that fails it shows the pods, which tell why."""
    try:
        run(*kubectl(*words))
    except ClusterError:
        run(*kubectl("get", "pods"))
        raise ClusterError(
            f"{what} did not get ready; see the pods above, and docs/troubleshooting.md for what their states mean; "
            "`make kind-up` goes on from here"
        ) from None


if __name__ == "__main__":
    main()
