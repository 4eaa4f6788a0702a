"""KFP's API as a step of a run reaches it from within the cluster."""

import os
from pathlib import Path
from typing import Any

import kfp_server_api

_TOKEN_PATH = "/var/run/secrets/kubeflow/pipelines/token"  # noqa: S105
_NAMESPACE_PATH = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def api_client() -> kfp_server_api.ApiClient:
    """A client of the API.

    The server is KF_PIPELINES_ENDPOINT, else the service ml-pipeline as Kubernetes tells it to pods of its namespace,
    else that of the namespace kubeflow. The token, where users are told apart, is the file that kfp's client reads.
    """
    configuration = kfp_server_api.Configuration(host=_host())
    token = Path(os.environ.get("KF_PIPELINES_SA_TOKEN_PATH") or _TOKEN_PATH)
    if token.is_file():
        configuration.api_key["authorization"] = token.read_text(encoding="utf-8").strip()
        configuration.api_key_prefix["authorization"] = "Bearer"
    return kfp_server_api.ApiClient(configuration)


def get_run(client: Any, run_id: str) -> Any:
    """One run, as kfp_server_api.V2beta1Run."""
    return kfp_server_api.RunServiceApi(client).run_service_get_run(run_id, _request_timeout=30)


def own_namespace() -> str:
    """The namespace of this pod; kubeflow outside of one."""
    return _NAMESPACE_PATH.read_text(encoding="utf-8").strip() if _NAMESPACE_PATH.is_file() else "kubeflow"


def _host() -> str:
    service, port = os.environ.get("ML_PIPELINE_SERVICE_HOST"), os.environ.get("ML_PIPELINE_SERVICE_PORT", "8888")
    here = f"http://{service}:{port}" if service else "http://ml-pipeline.kubeflow.svc.cluster.local:8888"
    return os.environ.get("KF_PIPELINES_ENDPOINT", here).rstrip("/")
