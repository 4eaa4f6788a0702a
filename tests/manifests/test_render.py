"""Every kustomization that is ours renders without a network and holds to Kubernetes' schema and to our own rules."""

import re
import tomllib
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from detloop import __version__
from detloop.cluster import load_profile
from detloop.cluster.profile import Profile
from tests.manifests.rendering import (
    MANIFESTS,
    containers,
    kustomizations,
    names,
    needs_kubectl,
    one,
    pods,
    read_kustomization,
    remote_references,
    render,
)
from tools.kind_cluster import IMAGES, USERS

ROOT = MANIFESTS.parent
KUBERNETES_VERSION = "1.35"
REMOTE = {MANIFESTS / name for name in ("kfp", "kfp/cluster-scoped", "kfp-gcs")}
OFFLINE = [
    folder
    for folder in kustomizations()
    if folder not in REMOTE and read_kustomization(folder)["kind"] == "Kustomization"
]
SETTINGS = MANIFESTS / "site" / "settings.toml"

each_offline = pytest.mark.parametrize("folder", OFFLINE, ids=lambda folder: str(folder.relative_to(MANIFESTS)))


def test_what_is_remote_is_kfp_of_one_pinned_release() -> None:
    referring = {folder: remote_references(folder) for folder in kustomizations()}
    assert {folder for folder, references in referring.items() if references} == REMOTE
    every = {reference for references in referring.values() for reference in references}
    assert all(reference.startswith("https://github.com/kubeflow/pipelines//manifests/") for reference in every)
    (release,) = {reference.partition("?ref=")[2] for reference in every}
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (client,) = (one for one in extras["pipeline"] if one.startswith("kfp>="))
    assert re.fullmatch(r"\d+\.\d+\.\d+", release)
    assert f"kfp>={release.rpartition('.')[0]}," in client


def test_the_kubernetes_version_is_one_in_cluster_and_docs() -> None:
    cluster = yaml.safe_load((MANIFESTS / "kind" / "cluster.yaml").read_text())
    images = [node["image"] for node in cluster["nodes"]]
    assert all(re.fullmatch(rf"kindest/node:v{KUBERNETES_VERSION}\.\d+@sha256:[0-9a-f]{{64}}", one) for one in images)
    assert f"Kubernetes {KUBERNETES_VERSION}" in (ROOT / "docs" / "kubernetes.md").read_text()


def test_there_is_something_to_render() -> None:
    found = {str(folder.relative_to(MANIFESTS)) for folder in OFFLINE}
    assert found == {"minio", "site", "schedule", "gpu", "gpu/check", "gpu/device-plugin"}


@needs_kubectl
@each_offline
def test_it_renders_offline_and_holds_to_the_schema(folder: Path) -> None:
    for resource in render(folder):
        assert kubernetes_validate.validate(resource, KUBERNETES_VERSION, strict=True) == KUBERNETES_VERSION


@needs_kubectl
@each_offline
def test_pods_may_do_no_more_than_they_must(folder: Path) -> None:
    for pod in pods(render(folder)):
        assert pod["automountServiceAccountToken"] is False
        for container in containers(pod):
            security = pod.get("securityContext", {}) | container["securityContext"]
            assert security["readOnlyRootFilesystem"] is True
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
            # The kubelet's socket, by which the device plugin registers, is root's alone.
            if container["name"] != "nvidia-device-plugin":
                assert security["runAsNonRoot"] is True
                assert security["runAsUser"] > 0
                assert security["seccompProfile"] == {"type": "RuntimeDefault"}
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
            assert {"cpu", "memory"} <= container["resources"]["limits"].keys()


@needs_kubectl
@each_offline
def test_images_are_pinned_and_ours_are_those_that_are_built(folder: Path) -> None:
    for pod in pods(render(folder)):
        for container in containers(pod):
            name, _, tag = container["image"].partition(":")
            assert re.search(r"\d", tag)
            if name.startswith("detloop"):
                assert container["image"] in {*IMAGES, f"detloop:{__version__}-gpu"}
                assert container["imagePullPolicy"] == "IfNotPresent"


@needs_kubectl
@each_offline
def test_what_a_pod_refers_to_is_there(folder: Path) -> None:
    resources = render(folder)
    for pod in pods(resources):
        for volume in pod.get("volumes", []):
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in names(resources)
        for container in containers(pod):
            references = [entry["valueFrom"]["secretKeyRef"] for entry in container["env"] if "valueFrom" in entry]
            assert {reference["name"] for reference in references} <= USERS.keys()
            assert {reference["key"] for reference in references} <= {"accesskey", "secretkey"}
            volumes = {volume["name"] for volume in pod.get("volumes", [])} | {"data"}
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes


@needs_kubectl
@each_offline
def test_no_secret_is_kept_in_a_file(folder: Path) -> None:
    assert "Secret" not in {kind for kind, _ in names(render(folder))}


@needs_kubectl
def test_minio_is_looked_after_and_shut_off() -> None:
    resources = render(MANIFESTS / "minio")
    minio = one(resources, "StatefulSet", "minio")["spec"]
    (container,) = minio["template"]["spec"]["containers"]
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys()
    assert minio["volumeClaimTemplates"][0]["metadata"]["name"] in {one["name"] for one in container["volumeMounts"]}
    labels = minio["template"]["metadata"]["labels"].items()
    ports = {port["name"] for port in container["ports"]}
    assert one(resources, "Service", "object-store")["spec"]["selector"].items() <= labels
    assert {port["targetPort"] for port in one(resources, "Service", "object-store")["spec"]["ports"]} <= ports
    policy = one(resources, "NetworkPolicy", "minio")["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= labels
    assert (policy["policyTypes"], policy.get("egress", [])) == (["Ingress", "Egress"], [])
    assert [rule["from"] for rule in policy["ingress"]] == [[{"podSelector": {}}]]
    assert {port["port"] for rule in policy["ingress"] for port in rule["ports"]} <= ports


@pytest.mark.parametrize("profile", ["cpu", "gpu"])
def test_the_sites_settings_are_read_and_name_secrets_that_are_made(profile: str) -> None:
    loaded: Profile = load_profile(profile, SETTINGS)
    assert {secret.name for secret in loaded.secrets} <= USERS.keys()
    assert all(set(secret.env.values()) <= {"accesskey", "secretkey"} for secret in loaded.secrets)
    assert loaded.defaults.env["MINIO_ENDPOINT"] == "http://object-store:9000"


@needs_kubectl
def test_the_sites_settings_lead_to_minios_service() -> None:
    service = one(render(MANIFESTS / "minio"), "Service", "object-store")
    assert service["metadata"]["namespace"] == "kubeflow"
    assert [port["port"] for port in service["spec"]["ports"]] == [9000]


@needs_kubectl
@each_offline
def test_no_service_gives_pods_a_variable_that_is_somebodys_setting(folder: Path) -> None:
    """Kubernetes makes NAME_PORT of every Service; KFP's UI reads MINIO_PORT, detloop what docs/storage.md names."""
    services = [name for kind, name in names(render(folder)) if kind == "Service"]
    prefixes = tuple(f"{name.upper().replace('-', '_')}_" for name in services) or ("no service",)
    settings = re.findall(r"`([A-Z][A-Z0-9_]+)`", (ROOT / "docs" / "storage.md").read_text())
    assert [name for name in [*settings, "MINIO_PORT", "MINIO_HOST"] if name.startswith(prefixes)] == []
