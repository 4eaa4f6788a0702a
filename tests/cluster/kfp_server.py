"""A server with the part of KFP's REST API (v2beta1) that detloop uses, which keeps everything in memory.

Requests are read and answers written through kfp_server_api's own models, so that both have the fields of the real
API. Runs do nothing by themselves: a test gives each the states that it is to go through, one a look at it.
"""

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kfp_server_api as api
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

PREFIX = "/apis/v2beta1"
PAGE_SIZE = 2
"""Small, so that every list that is read whole is read over several pages."""

Answer = tuple[int, Any]


class KfpServer:
    """Experiments, runs and recurring runs, and what tests need to say and see.

    Attributes:
        token: bearer token that requests must have; None for none.
        progress: states that a run goes through: each look at the run takes the next, the last one stays.
        logs: text of a pod's log, by the pod's name.
        outages: how many of the next requests are answered by 503.
    """

    def __init__(self) -> None:
        self.token: str | None = None
        self.progress: list[Callable[[Any], None]] = []
        self.logs: dict[str, str] = {}
        self.outages = 0
        self.experiments: dict[str, Any] = {}
        self.runs: dict[str, Any] = {}
        self.recurring_runs: dict[str, Any] = {}
        self._looks: dict[str, int] = {}
        self._client = api.ApiClient(api.Configuration())

    def answer(self, method: str, url: str, body: bytes, token: str | None) -> Answer:
        """Status and body (a model, a dict or text) of one request."""
        if self.outages:
            self.outages -= 1
            return 503, {"error": "upstream connect error", "code": 14, "message": "upstream connect error"}
        if self.token and token != f"Bearer {self.token}":
            return 401, {"error": "unauthenticated", "code": 16, "message": "Request header error"}
        parts = urlsplit(url)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        for route_method, pattern, handler in _ROUTES:
            match = re.fullmatch(pattern, parts.path)
            if match and method == route_method:
                return handler(self, body, query, *match.groups())
        return 404, {"error": "Not Found", "code": 5, "message": "Not Found"}

    def json_of(self, answer: Any) -> str:
        """An answer as the API writes it: without fields that have no value."""
        return json.dumps(self._client.sanitize_for_serialization(answer))

    def healthz(self, body: bytes, query: dict[str, str]) -> Answer:
        return 200, api.V2beta1GetHealthzResponse(multi_user=False)

    def create_experiment(self, body: bytes, query: dict[str, str]) -> Answer:
        made = self._read(body, "V2beta1Experiment")
        made.experiment_id, made.created_at = str(uuid.uuid4()), datetime.now(UTC)
        self.experiments[made.experiment_id] = made
        return 200, made

    def list_experiments(self, body: bytes, query: dict[str, str]) -> Answer:
        predicates = json.loads(query.get("filter", "{}")).get("predicates", [])
        names = {one["stringValue"] for one in predicates if one["key"] == "display_name"}
        found = [one for one in self.experiments.values() if not names or one.display_name in names]
        return 200, api.V2beta1ListExperimentsResponse(experiments=found, total_size=len(found))

    def create_run(self, body: bytes, query: dict[str, str]) -> Answer:
        made = self._read(body, "V2beta1Run")
        if refusal := self._refusal(made):
            return refusal
        made.run_id, made.created_at, made.state = str(uuid.uuid4()), datetime.now(UTC), "PENDING"
        self.runs[made.run_id] = made
        return 200, made

    def get_run(self, body: bytes, query: dict[str, str], run_id: str) -> Answer:
        if run_id not in self.runs:
            return 404, {"error": f"Run {run_id} not found", "code": 5, "message": f"Run {run_id} not found"}
        run, look = self.runs[run_id], self._looks.get(run_id, 0)
        self._looks[run_id] = look + 1
        if self.progress:
            self.progress[min(look, len(self.progress) - 1)](run)
        return 200, run

    def create_recurring_run(self, body: bytes, query: dict[str, str]) -> Answer:
        made = self._read(body, "V2beta1RecurringRun")
        if refusal := self._refusal(made):
            return refusal
        cron = made.trigger.cron_schedule.cron if made.trigger.cron_schedule else None
        if cron is not None and not cron.startswith("@") and len(cron.split()) != 6:
            return 400, {"code": 3, "message": f"Schedule cron is not a supported format: {cron}"}
        made.recurring_run_id, made.created_at = str(uuid.uuid4()), datetime.now(UTC)
        made.status = "ENABLED" if made.mode == "ENABLE" else "DISABLED"
        self.recurring_runs[made.recurring_run_id] = made
        return 200, made

    def list_recurring_runs(self, body: bytes, query: dict[str, str]) -> Answer:
        found = sorted(self.recurring_runs.values(), key=lambda one: one.created_at, reverse=True)
        start = int(query.get("page_token") or 0)
        more = str(start + PAGE_SIZE) if len(found) > start + PAGE_SIZE else ""
        page = found[start : start + PAGE_SIZE]
        return 200, api.V2beta1ListRecurringRunsResponse(
            recurring_runs=page, total_size=len(found), next_page_token=more
        )

    def get_recurring_run(self, body: bytes, query: dict[str, str], identity: str) -> Answer:
        return 200, self.recurring_runs[identity]

    def enable(self, body: bytes, query: dict[str, str], identity: str) -> Answer:
        self.recurring_runs[identity].status = "ENABLED"
        return 200, {}

    def disable(self, body: bytes, query: dict[str, str], identity: str) -> Answer:
        self.recurring_runs[identity].status = "DISABLED"
        return 200, {}

    def delete_recurring_run(self, body: bytes, query: dict[str, str], identity: str) -> Answer:
        del self.recurring_runs[identity]
        return 200, {}

    def log(self, body: bytes, query: dict[str, str], run_id: str, pod: str) -> Answer:
        return (200, self.logs[pod]) if pod in self.logs else (500, {"code": 13, "message": "pod not found"})

    def _read(self, body: bytes, model: str) -> Any:
        return self._client.deserialize(SimpleNamespace(data=body.decode()), model)

    def _refusal(self, made: Any) -> Answer | None:
        """What the real server says to a package that is none, and to a run that lacks an argument."""
        spec = made.pipeline_spec.get("pipeline_spec", made.pipeline_spec)
        try:
            json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
        except json_format.ParseError as error:
            return 400, {"code": 3, "message": f"Failed to parse the pipeline spec: {error}"}
        declared = spec["root"].get("inputDefinitions", {}).get("parameters", {})
        given = made.runtime_config.parameters or {}
        missing = [name for name, one in declared.items() if not one.get("isOptional") and name not in given]
        if missing:
            return 400, {"code": 3, "message": f"input parameters {missing} are missing"}
        return None


_ROUTES: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
    ("GET", f"{PREFIX}/healthz", KfpServer.healthz),
    ("POST", f"{PREFIX}/experiments", KfpServer.create_experiment),
    ("GET", f"{PREFIX}/experiments", KfpServer.list_experiments),
    ("POST", f"{PREFIX}/runs", KfpServer.create_run),
    ("GET", f"{PREFIX}/runs/([^/:]+)", KfpServer.get_run),
    ("POST", f"{PREFIX}/recurringruns", KfpServer.create_recurring_run),
    ("GET", f"{PREFIX}/recurringruns", KfpServer.list_recurring_runs),
    ("GET", f"{PREFIX}/recurringruns/([^/:]+)", KfpServer.get_recurring_run),
    ("POST", f"{PREFIX}/recurringruns/([^/:]+):enable", KfpServer.enable),
    ("POST", f"{PREFIX}/recurringruns/([^/:]+):disable", KfpServer.disable),
    ("DELETE", f"{PREFIX}/recurringruns/([^/:]+)", KfpServer.delete_recurring_run),
    ("GET", "/apis/v1alpha1/runs/([^/]+)/nodes/([^/]+)/log", KfpServer.log),
)


class _Handler(BaseHTTPRequestHandler):
    kfp: KfpServer

    def __getattr__(self, name: str) -> Any:
        """The method that http.server looks for, whatever the request's verb."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, answer = self.kfp.answer(self.command, self.path, body, self.headers.get("Authorization"))
        text = isinstance(answer, str)
        data = (answer if text else self.kfp.json_of(answer)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if text else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


@contextmanager
def serving() -> Iterator[tuple[KfpServer, str]]:
    """A server of its own and its URL, on a free port of this machine, as long as the block lasts."""
    kfp = KfpServer()
    handler = type("Handler", (_Handler,), {"kfp": kfp})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield kfp, f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
