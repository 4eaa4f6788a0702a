"""What an S3 server or the way to it objects to, as one line each."""

from collections.abc import Iterator
from contextlib import contextmanager

from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from urllib3.exceptions import HTTPError, MaxRetryError, NameResolutionError, ResponseError, SSLError

from detloop.errors import DetloopError, one_line
from detloop.store.interface import ObjectError
from detloop.store.s3_environment import S3Environment
from detloop.store.uri import Location

_OF_ONE_OBJECT = {
    "NoSuchKey": "no such object",
    "InvalidObjectState": "is archived; restore it first",
    "KeyTooLongError": "its name is too long for the server",
    "XMinioInvalidObjectName": "the server takes no such name",
}
_REFUSED_KEYS = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidTokenId", "InvalidToken")
_WRONG_REGION = ("AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException")


class S3Errors:
    """Turns what MinIO's SDK and urllib3 raise into DetloopErrors; holds nothing secret."""

    def __init__(self, location: Location, environment: S3Environment) -> None:
        self._bucket, self._endpoint = location.bucket, environment.endpoint
        self._variable = environment.endpoint_variable
        self._advice = f"check {self._variable} and the server"
        self._anonymous = environment.credentials is None

    @contextmanager
    def explained(self, uri: str) -> Iterator[None]:
        """Gives errors in the block as one line about `uri`, those of one object as ObjectErrors."""
        try:
            yield
        except S3Error as error:
            if error.code in _OF_ONE_OBJECT:
                raise ObjectError(uri, _OF_ONE_OBJECT[error.code]) from None
            raise DetloopError(f"{uri}: {self._refusal(error)}") from None
        except (HTTPError, MinioException, ValueError) as error:
            raise DetloopError(f"{uri}: {self._failure(error)}") from None

    def _refusal(self, error: S3Error) -> str:
        if error.code == "NoSuchBucket":
            return f"there is no bucket {self._bucket!r} at {self._endpoint}"
        if error.code in ("AccessDenied", "AllAccessDisabled", "AccountProblem"):
            if self._anonymous:
                return "access denied: no credentials are set; give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            return "access denied: the credentials are known, but do not allow this; see the bucket's policy"
        if error.code in _REFUSED_KEYS:
            return f"{self._endpoint} does not know these credentials ({error.code})"
        if error.code == "ExpiredToken":
            return "the session's credentials have expired; get new ones"
        if error.code == "RequestTimeTooSkewed":
            return "this machine's clock is too far from the server's; set it right"
        if error.code in _WRONG_REGION:
            return f"the bucket is in another region; set AWS_REGION ({one_line(Exception(error.message))})"
        if error.code == "RequestTimeout":
            return f"{self._endpoint} is too busy or not ready ({error.code}); try again later"
        return f"{self._endpoint} answers {error.code}: {one_line(Exception(error.message))}"

    def _failure(self, error: Exception) -> str:
        cause = error.reason if isinstance(error, MaxRetryError) else error
        if isinstance(cause, NameResolutionError):
            return f"no such host: {self._endpoint}; {self._advice}"
        if isinstance(cause, SSLError) and "WRONG_VERSION_NUMBER" in str(cause):
            return f"{self._endpoint} does not speak TLS; write http:// in {self._variable}"
        if isinstance(cause, SSLError):
            return f"{self._endpoint} has no certificate that is trusted ({_tls_reason(cause)}); {self._advice}"
        if isinstance(cause, ResponseError):
            return f"{self._endpoint} is too busy or not ready ({one_line(cause)}); try again later"
        if isinstance(cause, InvalidResponseError | ServerError):
            return f"what answers at {self._endpoint} is no S3 server; {self._advice}"
        return f"cannot reach {self._endpoint}: {_network_reason(cause)}; {self._advice}"


def _tls_reason(error: Exception) -> str:
    return one_line(error).partition("(_ssl.c")[0].strip()


def _network_reason(error: Exception | None) -> str:
    """The system's own words, which urllib3 puts behind its own."""
    text = one_line(error) if error is not None else "no answer"
    return text.rpartition("[Errno")[2].partition("] ")[2] or text
