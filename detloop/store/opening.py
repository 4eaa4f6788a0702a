"""The door to every store."""

import logging

from detloop.store.interface import Store
from detloop.store.local import LocalStore
from detloop.store.uri import Location, bucket_location, in_bucket, local_path


def open_store(uri: str) -> Store:
    """The files below a local folder or, for s3://, minio:// and gs:// URIs, below a prefix of a bucket.

    Who asks, and where the servers of s3:// and minio:// are, is read from the environment: docs/storage.md.

    Raises:
        DetloopError: the URI cannot be read, or its bucket cannot be reached; a local folder need not be there.
    """
    return open_location(bucket_location(uri)) if in_bucket(uri) else LocalStore(local_path(uri))


def open_location(location: Location) -> Store:
    """The files below a place in a bucket; the SDKs, which take time to import, are imported on demand."""
    # Each attempt that fails would be a line of its own; when patience is over, the error says so in one.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    if location.scheme == "gs":
        from detloop.store.gcs import GcsStore

        return GcsStore(location)
    from detloop.store.s3 import S3Store

    return S3Store(location)
