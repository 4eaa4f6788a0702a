"""Posts a run's summary to a webhook, as Slack, Mattermost and Microsoft Teams take it."""

import sys

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout, parse_url

from detloop.errors import DetloopError

URL_VARIABLE = "DETLOOP_WEBHOOK_URL"
_TIMEOUT = Timeout(connect=5.0, read=10.0)


def post(url: str, text: str, facts: dict[str, str | float]) -> bool:
    """Posts `{"text": text, ...facts}` as JSON, once; whether it was taken.

    What goes wrong is told on standard error without the URL, whose path is the secret of most webhooks.
    """
    try:
        _check(url)
        answer = urllib3.request(
            "POST", url, json={**facts, "text": text}, timeout=_TIMEOUT, redirect=False, retries=False
        )
    except (HTTPError, DetloopError) as error:
        reason = str(error) if isinstance(error, DetloopError) else type(error).__name__
    else:
        if 200 <= answer.status < 300:
            return True
        reason = f"it answers {answer.status}"
    print(f"the webhook was not told: {reason}", file=sys.stderr)
    return False


def _check(url: str) -> None:
    parts = parse_url(url)
    if parts.scheme not in ("http", "https") or not parts.host:
        raise DetloopError(f"{URL_VARIABLE} must be an http or https URL")
