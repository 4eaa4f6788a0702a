"""The last lines that a failed step wrote, where the cluster still has them."""

from collections import deque
from typing import Any

from kfp_server_api import ApiException
from urllib3.exceptions import HTTPError

from detloop.summary.steps import Step

LAST_LINES = 20
_TIMEOUT_SECONDS = 30
_SOURCES: tuple[tuple[str, dict[str, str]], ...] = (
    ("/apis/v1alpha1/runs/{run_id}/nodes/{pod}/log", {}),
    ("/k8s/pod/logs", {"podname": "{pod}", "runid": "{run_id}", "podnamespace": "{namespace}"}),
)
"""Where KFP's server and its UI serve a pod's log. Sources: backend/src/apiserver/main.go, frontend/server/app.ts."""


def last_log_lines(api_client: Any, run_id: str, step: Step, namespace: str) -> list[str]:
    """The last LAST_LINES lines of the newest pod of a step whose log can be read; empty where none can.

    Args:
        api_client: a kfp_server_api.ApiClient.
        namespace: of the step's pods.
    """
    for pod in step.pods:
        for path, query in _SOURCES:
            names = {"run_id": run_id, "pod": pod, "namespace": namespace}
            lines = _lines(api_client, path.format(**names), {key: text.format(**names) for key, text in query.items()})
            if lines:
                return lines
    return []


def _lines(api_client: Any, path: str, query: dict[str, str]) -> list[str]:
    """The end of one log; empty where the server has no such log, or answers with a page instead."""
    try:
        response = api_client.call_api(
            path,
            "GET",
            query_params=list(query.items()),
            auth_settings=["Bearer"],
            _preload_content=False,
            _return_http_data_only=True,
            _request_timeout=_TIMEOUT_SECONDS,
        )
        if "html" in response.headers.get("Content-Type", ""):
            return []
        lines = deque((line.decode("utf-8", "replace").rstrip() for line in response), maxlen=LAST_LINES)
    except (ApiException, HTTPError, OSError):
        return []
    return [line for line in lines if line]
