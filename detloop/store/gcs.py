"""Buckets of Google Cloud Storage, through its SDK."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO

from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.auth.exceptions import DefaultCredentialsError
from google.cloud.storage import Client
from google.cloud.storage.retry import DEFAULT_RETRY

from detloop.store.bucket import BucketStore
from detloop.store.gcs_errors import explained
from detloop.store.interface import Entry
from detloop.store.uri import Location

READING_THREADS = 8
"""Fewer than the connections that the SDK's session keeps."""

FIELDS = "items(name,size,crc32c,md5Hash,generation),nextPageToken"
UPLOAD_ATTEMPTS = 3
GONE = 410

FIRST_CONTACT = DEFAULT_RETRY.with_delay(initial=0.5, maximum=2).with_timeout(5)
AT_WORK = DEFAULT_RETRY.with_delay(initial=0.5, maximum=8).with_timeout(60)


class GcsStore(BucketStore):
    """Objects in a bucket of Google Cloud Storage or an emulator of it; see `Store`."""

    def __init__(self, location: Location) -> None:
        """Finds the application default credentials and asks for the bucket; without any, access is anonymous.

        Raises:
            DetloopError: the service cannot be reached, or the bucket or the right to list it is missing.
        """
        with explained(str(location), location.bucket):
            client, self._anonymous = _open_client()
        super().__init__(location, client.api_endpoint, READING_THREADS)
        self._client = client
        with self._errors(self.root):
            first = client.list_blobs(self._bucket, prefix=self._prefix, max_results=1, retry=FIRST_CONTACT, timeout=10)
            next(iter(first), None)

    def _objects(self, prefix: str) -> Iterator[Entry]:
        with self._errors(self.root):
            for blob in self._client.list_blobs(self._bucket, prefix=prefix, fields=FIELDS, retry=AT_WORK):
                yield Entry(blob.name, blob.size, _version(blob.crc32c, blob.md5_hash, blob.generation))

    def _read(self, key: str) -> bytes:
        with self._errors(self._uri_of_key(key), of_one_object=True):
            content: bytes = self._client.bucket(self._bucket).blob(key).download_as_bytes(retry=AT_WORK)
            return content

    def _fetch(self, key: str, file: BinaryIO) -> None:
        with self._errors(self._uri_of_key(key), of_one_object=True):
            self._client.bucket(self._bucket).blob(key).download_to_file(file, retry=AT_WORK)

    def _write(self, key: str, data: BinaryIO, size_bytes: int) -> None:
        """An upload whose session the service has forgotten is begun again, as its documentation says."""
        with self._errors(self._uri_of_key(key)):
            for attempt in range(UPLOAD_ATTEMPTS):
                blob = self._client.bucket(self._bucket).blob(key)
                try:
                    blob.upload_from_file(data, rewind=True, size=size_bytes, retry=AT_WORK)
                    return
                except GoogleAPICallError as error:
                    if error.code not in (NotFound.code, GONE) or attempt == UPLOAD_ATTEMPTS - 1:
                        raise

    def _uri_of_key(self, key: str) -> str:
        return self._uri(key[len(self._prefix) :])

    def _errors(self, uri: str, of_one_object: bool = False) -> AbstractContextManager[None]:
        return explained(uri, self._bucket, of_one_object, self._anonymous)


def _open_client() -> tuple[Client, bool]:
    """A client, and whether it is anonymous for want of credentials."""
    try:
        return Client(project=None), False
    except DefaultCredentialsError:
        return Client.create_anonymous_client(), True


def _version(crc32c: str | None, md5: str | None, generation: int | None) -> str:
    """The checksum that the service keeps; every object has a CRC32C, but emulators need not give it."""
    return f"crc32c:{crc32c}" if crc32c else f"md5:{md5}" if md5 else f"generation:{generation}"
