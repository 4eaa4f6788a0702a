"""The last lines that a failed step wrote, where the cluster still has them."""

import re
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

_CHATTER = re.compile(r"[IWEF]\d{4} \d\d:\d\d:\d\d|time=|Error: exit status|\[KFP Executor ")
"""How lines of KFP's launcher and executor and of Argo begin, which come before and after a step's own."""

_OWN_ERROR = re.compile(r"detloop\.errors\.\w+: (.*)")


def last_log_lines(api_client: Any, run_id: str, step: Step, namespace: str) -> list[str]:
    """The end of the log of the newest pod of a step whose log can be read; empty where none can.

    KFP's and Argo's own lines are left out.

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
        lines = (line.decode("utf-8", "replace").rstrip() for line in response)
        return list(deque((line for line in lines if line and not _CHATTER.match(line)), maxlen=LAST_LINES))
    except (ApiException, HTTPError, OSError):
        return []


def reason_in(lines: list[str]) -> str:
    """What the end of a log gives as the reason: an error of detloop's own as its message, else the last line."""
    last = lines[-1].strip() if lines else ""
    own = _OWN_ERROR.match(last)
    return own[1] if own else last
