"""Where files lie: local folders and buckets behind one interface, and local files written whole or not at all."""

from detloop.store.cache import cache_root
from detloop.store.fetching import existing_file, fetch, files_state
from detloop.store.interface import Entry, ObjectError, Store
from detloop.store.local import sha256_of
from detloop.store.opening import open_store
from detloop.store.uri import check_inside, in_bucket, inside, local_path
from detloop.store.whole import partial_path, remove_folder, write_file_whole, write_folder_whole

__all__ = [
    "Entry",
    "ObjectError",
    "Store",
    "cache_root",
    "check_inside",
    "existing_file",
    "fetch",
    "files_state",
    "in_bucket",
    "inside",
    "local_path",
    "open_store",
    "partial_path",
    "remove_folder",
    "sha256_of",
    "write_file_whole",
    "write_folder_whole",
]
