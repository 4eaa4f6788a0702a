"""The server that a run's summary asks, and a webhook that keeps what it is told."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import kfp_server_api as api
import pytest

from tests.cluster.kfp_server import KfpServer, serving


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[KfpServer]:
    """KFP's server with one run, whose id is `run-1`."""
    with serving() as (server, url):
        monkeypatch.setenv("KF_PIPELINES_ENDPOINT", url)
        server.runs["run-1"] = api.V2beta1Run(run_id="run-1", display_name="nightly", pipeline_spec=SPEC)
        yield server


def _task(name: str, title: str, after: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "componentRef": {"name": f"comp-{name}"},
        "taskInfo": {"name": title},
        "dependentTasks": list(after),
    }


SPEC: dict[str, Any] = {
    "pipeline_spec": {
        "root": {
            "dag": {"tasks": {"group": _task("group", "loop"), "summary": _task("summary", "summary", ("group",))}}
        },
        "components": {
            "comp-group": {
                "dag": {
                    "tasks": {
                        "train": _task("train", "train", ("detect",)),
                        "detect": _task("detect", "detect with the teacher", ("importer",)),
                        "importer": _task("importer", "importer"),
                    }
                }
            },
            **{f"comp-{name}": {"executorLabel": name} for name in ("detect", "train", "summary", "importer")},
        },
        "deploymentSpec": {
            "executors": {
                "importer": {"importer": {}},
                **{name: {"container": {"image": "x:1"}} for name in ("detect", "train", "summary")},
            }
        },
    },
    "platform_spec": {},
}
"""Two steps in a group, one after the other and after an importer, and the summary after the group."""


class Webhook:
    """What a webhook was told, and what it answers with."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.status = 200
        self.url = ""


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    hook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(hook.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        hook.url = f"http://127.0.0.1:{listening.server_port}/hook/secret-path"
        monkeypatch.setenv("DETLOOP_WEBHOOK_URL", hook.url)
        yield hook
        listening.shutdown()
        thread.join()
