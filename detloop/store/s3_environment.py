"""Where an S3 server is and who asks, as the environment says it; docs/storage.md has every variable."""

import configparser
import os
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from minio.credentials.providers import (
    AWSConfigProvider,
    EnvAWSProvider,
    EnvMinioProvider,
    IamAwsProvider,
    Provider,
    StaticProvider,
)
from urllib3 import PoolManager, Retry, Timeout
from urllib3.exceptions import HTTPError

from detloop.errors import DetloopError

AWS_ENDPOINT = "https://s3.amazonaws.com"
DEFAULT_REGION = "us-east-1"
ENDPOINT_VARIABLES = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "S3_ENDPOINT"),
    "minio": ("MINIO_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "S3_ENDPOINT"),
}
KEY_PAIRS = (
    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    ("MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"),
    ("MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"),
)
CONTAINER_VARIABLES = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")
IDENTITY_VARIABLE = "AWS_WEB_IDENTITY_TOKEN_FILE"
KEYS_FILE_VARIABLE = "AWS_SHARED_CREDENTIALS_FILE"


@dataclass(frozen=True)
class S3Environment:
    """What a client of an S3 server is made from.

    Attributes:
        endpoint: the server's URL, without a path.
        endpoint_variable: where it is set, or could be.
        region: None where the bucket is to be asked.
        credentials: None for anonymous access.
        ca_certificates: file with the certificates to trust; None for those of the Python package certifi.
    """

    endpoint: str
    endpoint_variable: str
    region: str | None
    credentials: Provider | None
    ca_certificates: str | None


def read_environment(scheme: str) -> S3Environment:
    """What the environment says for s3:// or minio:// URIs.

    Raises:
        DetloopError: it names no usable endpoint, half a pair of keys, or an identity that is not accepted.
    """
    endpoint, variable = _endpoint(scheme)
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return S3Environment(
        endpoint=endpoint,
        endpoint_variable=variable,
        region=region or (None if endpoint == AWS_ENDPOINT else DEFAULT_REGION),
        credentials=_first_credentials(scheme, endpoint),
        ca_certificates=os.environ.get("AWS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE"),
    )


def _endpoint(scheme: str) -> tuple[str, str]:
    variables = ENDPOINT_VARIABLES[scheme]
    variable = next((name for name in variables if os.environ.get(name)), None)
    if variable is None:
        if scheme == "s3":
            return AWS_ENDPOINT, variables[0]
        raise DetloopError(f"minio:// URIs need the server's address; set {variables[0]}, as http://minio:9000")
    url = urlsplit(os.environ[variable].strip())
    if url.username is not None or url.password is not None:
        raise DetloopError(f"{variable}: must not hold a user name or password; give credentials in variables")
    if url.scheme not in ("http", "https") or not url.hostname or url.path.strip("/") or url.query:
        raise DetloopError(f"{variable}: is no server's address; write it as http://minio:9000 or https://s3.example")
    return f"{url.scheme}://{url.netloc}", variable


def _first_credentials(scheme: str, endpoint: str) -> Provider | None:
    """The first provider that has credentials; it renews them by itself where they expire."""
    for provider in _providers(scheme, endpoint):
        try:
            provider.retrieve()
        except configparser.Error:
            raise DetloopError(f"{KEYS_FILE_VARIABLE} (or ~/.aws/credentials): is no file of AWS credentials") from None
        except (ValueError, HTTPError, OSError):
            if isinstance(provider, IamAwsProvider) and os.environ.get(IDENTITY_VARIABLE):
                raise DetloopError(f"{IDENTITY_VARIABLE}: its token was not accepted in exchange for keys") from None
            continue
        return provider
    return None


def _providers(scheme: str, endpoint: str) -> Iterator[Provider]:
    """Keys in variables, those that the scheme is named after first; then files; then the identity of the machine."""
    pairs = {"aws": KEY_PAIRS[:1], "minio": KEY_PAIRS[1:]}
    for kind in ("minio", "aws") if scheme == "minio" else ("aws", "minio"):
        for key, secret in pairs[kind]:
            if bool(os.environ.get(key)) != bool(os.environ.get(secret)):
                there, missing = (key, secret) if os.environ.get(key) else (secret, key)
                raise DetloopError(f"{there} is set and {missing} is not; set both")
        yield from [EnvAWSProvider()] if kind == "aws" else [EnvMinioProvider(), *_root_user()]
    if os.environ.get(KEYS_FILE_VARIABLE) or os.environ.get("HOME"):
        yield AWSConfigProvider()
    if os.environ.get(IDENTITY_VARIABLE):
        yield IamAwsProvider(custom_endpoint=os.environ.get("AWS_ENDPOINT_URL_STS"), http_client=_impatient_http())
    elif any(map(os.environ.get, CONTAINER_VARIABLES)) or (
        endpoint == AWS_ENDPOINT and os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() != "true"
    ):
        yield IamAwsProvider(http_client=_impatient_http())


def _root_user() -> list[Provider]:
    user, password = os.environ.get("MINIO_ROOT_USER"), os.environ.get("MINIO_ROOT_PASSWORD")
    return [StaticProvider(user, password)] if user and password else []


def _impatient_http() -> PoolManager:
    """For the cloud's own addresses, which answer at once or are not there."""
    return PoolManager(timeout=Timeout(connect=2, read=10), retries=Retry(total=2, backoff_factor=0.2))
