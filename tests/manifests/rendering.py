"""Kustomizations rendered by kubectl, and what tests ask of the result."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

MANIFESTS = Path(__file__).parents[2] / "manifests"
KUBECTL = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or shutil.which("kubectl")
POD_OWNERS = ("Deployment", "StatefulSet", "DaemonSet", "Job")

Resource = dict[str, Any]

needs_kubectl = pytest.mark.skipif(KUBECTL is None, reason="kubectl, which renders kustomizations, is not installed")


class RenderError(Exception):
    """kubectl does not render it; says why."""


def render(folder: Path) -> list[Resource]:
    """The resources of a kustomization.

    Raises:
        RenderError: it cannot be rendered, as where it reaches for the network and there is none.
    """
    assert KUBECTL is not None
    # Without git on its path, and without proxies, kubectl cannot fetch what a kustomization refers to.
    environment = {"PATH": str(folder / "no-programs"), "HOME": str(folder)}
    done = subprocess.run([KUBECTL, "kustomize", str(folder)], capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RenderError(done.stderr)
    return list(yaml.safe_load_all(done.stdout))


def kustomizations() -> list[Path]:
    """The folders of all kustomizations, components too."""
    return sorted(path.parent for path in MANIFESTS.rglob("kustomization.yaml"))


def read_kustomization(folder: Path) -> Resource:
    return dict(yaml.safe_load((folder / "kustomization.yaml").read_text()))


def remote_references(folder: Path) -> list[str]:
    """The remote references of a kustomization and of those it is made of."""
    kustomization = read_kustomization(folder)
    entries = [*kustomization.get("resources", []), *kustomization.get("components", [])]
    found = [entry for entry in entries if "://" in entry]
    for entry in entries:
        below = (folder / entry).resolve()
        if "://" not in entry and below.is_dir():
            found += remote_references(below)
    return found


def one(resources: list[Resource], kind: str, name: str) -> Resource:
    (found,) = [each for each in resources if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def names(resources: list[Resource]) -> set[tuple[str, str]]:
    return {(each["kind"], each["metadata"]["name"]) for each in resources}


def pods(resources: list[Resource]) -> list[Resource]:
    """The pod templates' specs."""
    return [each["spec"]["template"]["spec"] for each in resources if each["kind"] in POD_OWNERS]


def containers(pod: Resource) -> list[Resource]:
    return [*pod.get("initContainers", []), *pod["containers"]]
