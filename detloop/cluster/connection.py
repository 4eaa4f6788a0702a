"""A connection to a KFP server, found as KFP's own client finds it, with errors told in one line."""

import contextlib
import io
import json
import logging
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kfp
from kfp_server_api import ApiException
from urllib3.exceptions import HTTPError, MaxRetryError

from detloop.errors import DetloopError, one_line

TOKEN_VARIABLE = "KFP_EXISTING_TOKEN"  # noqa: S105
_NO_ENDPOINT = "no KFP server is known: give --endpoint, set KF_PIPELINES_ENDPOINT, or have a kubeconfig"


class _Client(kfp.Client):  # type: ignore[misc]
    """KFP's client, without the half minute of tries and tracebacks when the server does not answer."""

    def get_kfp_healthz(self, sleep_duration: int = 5) -> Any:
        return self._healthz_api.healthz_service_get_healthz()


def connect(
    endpoint: str | None = None,
    namespace: str | None = None,
    token_file: Path | None = None,
    ca_certificate: Path | None = None,
) -> kfp.Client:
    """A client of the KFP server.

    Args:
        endpoint: URL of the server or its UI; None for KF_PIPELINES_ENDPOINT, else the cluster that this process runs
            in, else the one of the kubeconfig.
        namespace: of the user's runs where users have their own, and else of KFP itself; None for what KFP's
            configuration (~/.config/kfp/context.json) says, else kubeflow.
        token_file: file with a bearer token; None for the variable KFP_EXISTING_TOKEN, else none.
        ca_certificate: PEM file of the authority that signed the server's certificate.

    Raises:
        DetloopError: no server is known, it does not answer, or it refuses the token.
    """
    token = token_file.read_text(encoding="utf-8").strip() if token_file else os.environ.get(TOKEN_VARIABLE)
    said = io.StringIO()
    try:
        with told_plainly(endpoint), kept_quiet(said):
            return _Client(
                host=endpoint,
                namespace=namespace or "kubeflow",
                existing_token=token or None,
                ssl_ca_cert=str(ca_certificate) if ca_certificate else None,
            )
    finally:
        if "Failed to load kube config" in said.getvalue():
            raise DetloopError(_NO_ENDPOINT)


@contextlib.contextmanager
def kept_quiet(said: io.StringIO | None = None) -> Iterator[None]:
    """Keeps what KFP's client prints, logs and warns of from the terminal; `said` gets what it prints."""
    previous = logging.root.manager.disable
    with contextlib.redirect_stdout(said or io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(previous)


@contextlib.contextmanager
def told_plainly(endpoint: str | None = None) -> Iterator[None]:
    """Turns what the client raises into a DetloopError of one line, which never holds the token."""
    try:
        yield
    except ApiException as error:
        raise DetloopError(_refusal(error)) from None
    except MaxRetryError as error:
        where = endpoint or os.environ.get(kfp.client.client.KF_PIPELINES_ENDPOINT_ENV) or error.pool
        raise DetloopError(f"{where}: the KFP server does not answer: {_root(error)}") from None
    except (HTTPError, ValueError) as error:
        raise DetloopError(f"the KFP server does not answer as it should: {one_line(error)}") from None


def _root(error: MaxRetryError) -> str:
    """What the system said, without urllib3's names of objects and the error's number before it."""
    return re.sub(r"^\[Errno \d+\] ", "", one_line(error.reason or error).rpartition(": ")[2])


def _refusal(error: ApiException) -> str:
    if error.status in (401, 403):
        return (
            f"the KFP server refuses the request ({error.status} {error.reason}): "
            f"give a valid token by --token-file or {TOKEN_VARIABLE}, and the right --namespace"
        )
    if not error.status:
        return f"the KFP server cannot be talked to: {one_line(DetloopError(error.reason))}"
    try:
        body = json.loads(error.body or "")
        reason = body.get("error_message") or body.get("message") or body.get("error") or error.body
    except (ValueError, AttributeError):
        reason = error.body or error.reason
    return f"the KFP server answers {error.status}: {' '.join(str(reason).split())[:500]}"
