"""What our overlays make of KFP's resources, tried on a stand-in with KFP's names."""

import os
import shutil
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.manifests.rendering import MANIFESTS, RenderError, Resource, names, needs_kubectl, one, render
from tests.manifests.test_render import KUBERNETES_VERSION
from tools.kind_cluster import USERS

KFP = Path(__file__).parent / "kfp"

pytestmark = needs_kubectl


def overlaid(folder: Path, *components: str, lacking: str = "") -> list[Resource]:
    """The stand-in without the resource of the kind and name `lacking`, with the components over it."""
    shutil.copytree(KFP, folder / "kfp")
    for component in components:
        shutil.copytree(MANIFESTS / component, folder / os.path.basename(component))
    resources = list(yaml.safe_load_all((KFP / "resources.yaml").read_text()))
    kept = [each for each in resources if f"{each['kind']} {each['metadata']['name']}" != lacking]
    (folder / "kfp" / "resources.yaml").write_text(yaml.safe_dump_all(kept))
    whole = {"resources": ["kfp"], "components": [os.path.basename(component) for component in components]}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(whole))
    return render(folder)


def launcher(resources: list[Resource]) -> Any:
    return yaml.safe_load(one(resources, "ConfigMap", "kfp-launcher")["data"]["providers"])


def test_minio_takes_the_place_of_kfps_store(tmp_path: Path) -> None:
    resources = overlaid(tmp_path, "kfp/minio-store")
    assert {name for kind, name in names(resources) if kind != "Service" and "seaweedfs" in name} == set()
    minio = render(MANIFESTS / "minio")
    labels = one(minio, "StatefulSet", "minio")["spec"]["template"]["metadata"]["labels"]
    for name in ("seaweedfs", "minio-service"):
        service = one(resources, "Service", name)
        assert service["metadata"]["namespace"] == one(minio, "Service", "object-store")["metadata"]["namespace"]
        assert service["spec"]["selector"].items() <= labels.items()
        assert {port["port"]: port["targetPort"] for port in service["spec"]["ports"]} == {9000: "s3", 8333: "s3"}
    for resource in resources:
        kubernetes_validate.validate(resource, KUBERNETES_VERSION, strict=True)


def test_the_keys_that_all_know_are_gone_and_the_made_ones_keep_their_name(tmp_path: Path) -> None:
    resources = overlaid(tmp_path, "kfp/minio-store")
    assert {kind for kind, _ in names(resources)} & {"Secret"} == set()
    (container,) = one(resources, "Deployment", "ml-pipeline")["spec"]["template"]["spec"]["containers"]
    assert container["env"][0]["valueFrom"]["secretKeyRef"]["name"] in USERS


def test_a_kfp_without_the_second_service_will_do(tmp_path: Path) -> None:
    resources = overlaid(tmp_path, "kfp/minio-store", lacking="Service minio-service")
    assert ("Service", "seaweedfs") in names(resources)


@pytest.mark.parametrize(
    "lacking", ["Deployment seaweedfs", "Secret mlpipeline-minio-artifact", "ConfigMap kfp-launcher"]
)
def test_a_kfp_that_is_made_otherwise_is_an_error(tmp_path: Path, lacking: str) -> None:
    with pytest.raises(RenderError, match=lacking.split()[1]):
        overlaid(tmp_path, "kfp/minio-store", lacking=lacking)


def test_the_launcher_knows_every_kind_of_bucket(tmp_path: Path) -> None:
    """Source of the form: ProvideSessionInfo of backend/src/v2/config/{minio,s3,gcs}.go in kubeflow/pipelines."""
    resources = overlaid(tmp_path, "kfp/minio-store")
    providers = launcher(resources)
    assert providers.keys() == {"minio", "s3", "gs"}
    assert providers["s3"]["default"]["credentials"] == providers["gs"]["default"]["credentials"] == {"fromEnv": True}
    host, _, namespace = providers["minio"]["default"]["endpoint"].partition(":")[0].partition(".")
    service = one(resources, "Service", host)
    assert service["metadata"]["namespace"] == namespace
    (steps,) = providers["minio"]["overrides"]
    root = one(resources, "ConfigMap", "kfp-launcher")["data"]["defaultPipelineRoot"]
    assert root.split("/")[2] != steps["bucketName"]
    for bucket, secret in (
        (providers["minio"]["default"], "mlpipeline-minio-artifact"),
        (steps, "detloop-images"),
    ):
        assert secret in USERS
        assert bucket["endpoint"] == f"{host}.{namespace}:{service['spec']['ports'][0]['port']}"
        assert bucket["disableSSL"] is True
        assert bucket["credentials"]["secretRef"] == {
            "secretName": secret,
            "accessKeyKey": "accesskey",
            "secretKeyKey": "secretkey",
        }


def test_artifacts_may_go_to_google(tmp_path: Path) -> None:
    resources = overlaid(tmp_path, "kfp/minio-store", "gcs")
    lines = (MANIFESTS / "gcs" / "gcs.env").read_text().split()
    values = dict(line.split("=") for line in lines)
    config = one(resources, "ConfigMap", "kfp-launcher")["data"]
    assert config["defaultPipelineRoot"] == values["pipelineRoot"]
    assert values["pipelineRoot"].startswith("gs://")
    assert launcher(resources)["gs"]["default"]["credentials"] == {"fromEnv": True}
    for name in ("pipeline-runner", "ml-pipeline-ui"):
        annotations = one(resources, "ServiceAccount", name)["metadata"]["annotations"]
        assert annotations == {"iam.gke.io/gcp-service-account": values["serviceAccount"]}
    assert "annotations" not in one(resources, "ServiceAccount", "ml-pipeline")["metadata"]
