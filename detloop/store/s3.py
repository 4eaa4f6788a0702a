"""Buckets of Amazon S3, MinIO and what else speaks their protocol, through MinIO's SDK."""

from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeVar
from urllib.parse import urlsplit

import certifi
from minio import Minio
from minio.error import S3Error
from urllib3 import BaseHTTPResponse, PoolManager, Retry, Timeout
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from detloop.store.bucket import BucketStore
from detloop.store.interface import Entry
from detloop.store.s3_environment import S3Environment, read_environment
from detloop.store.s3_errors import S3Errors
from detloop.store.uri import Location

Used = TypeVar("Used")

READING_THREADS = 16
PIECE_BYTES = 1 << 20
PART_BYTES = 16 << 20
UPLOAD_ATTEMPTS = 3

# MinIO asks to be left alone for a minute whenever it is not ready, which after a start takes it a second.
PATIENCE = Retry(
    backoff_factor=0.25,
    backoff_max=8,
    backoff_jitter=0.5,
    status_forcelist=(429, 500, 502, 503, 504),
    allowed_methods=None,
    respect_retry_after_header=False,
)

FIRST_CONTACT = PATIENCE.new(total=5, connect=3, read=3, other=3)
"""A wrong address is told within seconds, and a server that says it is not ready within some more."""

AT_WORK = PATIENCE.new(total=12)
"""A server that has answered may be away for about a minute, as when it is restarted."""


class S3Store(BucketStore):
    """Objects in a bucket of an S3 server; see `Store`."""

    def __init__(self, location: Location) -> None:
        """Reads the environment and asks the server for the bucket.

        Raises:
            DetloopError: the server cannot be reached, or the bucket or the right to list it is missing.
        """
        environment = read_environment(location.scheme)
        super().__init__(location, environment.endpoint, READING_THREADS)
        self._errors = S3Errors(location, environment)
        first = _client(environment, FIRST_CONTACT, connect_seconds=5)
        with self._errors.explained(self.root):
            next(first.list_objects(self._bucket, prefix=self._prefix, recursive=True), None)
        self._client = _client(environment, AT_WORK, connect_seconds=10)

    def _objects(self, prefix: str) -> Iterator[Entry]:
        with self._errors.explained(self.root):
            for found in self._client.list_objects(self._bucket, prefix=prefix, recursive=True):
                yield Entry(found.object_name or "", found.size or 0, f"etag:{found.etag}")

    def _read(self, key: str) -> bytes:
        return self._use_body(key, lambda response: response.read())

    def _fetch(self, key: str, file: BinaryIO) -> None:
        self._use_body(key, lambda response: _copy(response, file))

    def _use_body(self, key: str, use: Callable[[BaseHTTPResponse], Used]) -> Used:
        """What `use` makes of an object's content; it is called again when the content broke off."""
        with self._errors.explained(self._uri_of_key(key)):
            retries = AT_WORK
            while True:
                response = self._client.get_object(self._bucket, key)
                try:
                    return use(response)
                except (ProtocolError, ReadTimeoutError) as error:
                    response.close()
                    retries = retries.increment("GET", key, error=error)
                    retries.sleep()
                finally:
                    response.release_conn()

    def _write(self, key: str, data: BinaryIO, size_bytes: int) -> None:
        """An upload in parts whose end was not heard of is begun again: the server may have forgotten its parts."""
        with self._errors.explained(self._uri_of_key(key)):
            for attempt in range(UPLOAD_ATTEMPTS):
                data.seek(0)
                try:
                    self._client.put_object(self._bucket, key, data, size_bytes, part_size=PART_BYTES)
                    return
                except S3Error as error:
                    if error.code != "NoSuchUpload" or attempt == UPLOAD_ATTEMPTS - 1:
                        raise

    def _uri_of_key(self, key: str) -> str:
        return self._uri(key[len(self._prefix) :])


def _client(environment: S3Environment, retries: Retry, connect_seconds: float) -> Minio:
    url = urlsplit(environment.endpoint)
    http = PoolManager(
        timeout=Timeout(connect=connect_seconds, read=60),
        maxsize=READING_THREADS,
        cert_reqs="CERT_REQUIRED",
        ca_certs=environment.ca_certificates or certifi.where(),
        retries=retries,
    )
    return Minio(
        url.netloc,
        secure=url.scheme == "https",
        region=environment.region,
        credentials=environment.credentials,
        http_client=http,
    )


def _copy(response: BaseHTTPResponse, file: BinaryIO) -> None:
    file.seek(0)
    file.truncate()
    for piece in response.stream(PIECE_BYTES):
        file.write(piece)
