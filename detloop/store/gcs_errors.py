"""What Google Cloud Storage or the way to it objects to, as one line each."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from google.api_core.exceptions import Forbidden, GoogleAPICallError, NotFound, RetryError, Unauthorized
from google.auth.exceptions import GoogleAuthError, RefreshError
from google.cloud.storage.exceptions import DataCorruption
from requests.exceptions import RequestException

from detloop.errors import DetloopError, one_line
from detloop.store.interface import ObjectError

EMULATOR_VARIABLE = "STORAGE_EMULATOR_HOST"
_NO_CREDENTIALS = "no credentials were found; set GOOGLE_APPLICATION_CREDENTIALS, or give the machine a service account"


@contextmanager
def explained(uri: str, bucket: str, of_one_object: bool = False, anonymous: bool = False) -> Iterator[None]:
    """Gives the errors in the block as one line about `uri`.

    Args:
        of_one_object: what is missing is the object, an ObjectError, and not the bucket.
        anonymous: no credentials were found.
    """
    try:
        yield
    except RetryError as error:
        raise DetloopError(f"{uri}: {_reason(error.cause or error, bucket, anonymous)}") from None
    except NotFound as error:
        if of_one_object:
            raise ObjectError(uri, "no such object") from None
        raise DetloopError(f"{uri}: {_reason(error, bucket, anonymous)}") from None
    except (GoogleAPICallError, GoogleAuthError, DataCorruption, RequestException, ValueError) as error:
        raise DetloopError(f"{uri}: {_reason(error, bucket, anonymous)}") from None


def _reason(error: Exception, bucket: str, anonymous: bool) -> str:
    service = os.environ.get(EMULATOR_VARIABLE) or "Google Cloud Storage"
    if isinstance(error, NotFound):
        return f"there is no bucket {bucket!r} at {service}"
    if isinstance(error, Unauthorized | Forbidden):
        return f"access denied: {_NO_CREDENTIALS if anonymous else 'the credentials do not allow this'}"
    if isinstance(error, RefreshError):
        return f"the credentials were not accepted (is this machine's clock right?): {one_line(error)}"
    if isinstance(error, GoogleAPICallError):
        return f"{service} answers {error.code}: {one_line(Exception(error.message))}"
    if isinstance(error, RequestException):
        where = f"check {EMULATOR_VARIABLE}" if os.environ.get(EMULATOR_VARIABLE) else "check the network"
        return f"cannot reach {service}; {where}"
    return f"{service}: {one_line(error)}"
