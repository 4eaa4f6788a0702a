"""tf.train.Example messages and TFRecord files, written and read without importing TensorFlow."""

import os
import struct
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import google_crc32c
import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from detloop.errors import DetloopError

FeatureValues = list[bytes] | list[float] | list[int]

# Tags of the fields of an Example and of the messages in it, all length-delimited (wire type 2). Source:
# tensorflow/core/example/example.proto and feature.proto.
_FEATURES = b"\x0a"
_ENTRY, _ENTRY_NAME, _ENTRY_FEATURE = b"\x0a", b"\x0a", b"\x12"
_VALUES = b"\x0a"

WRITE_BYTES = 1 << 16
"""A file is written in multiples of so many bytes, which the kernel keeps in fewer and larger pieces of page cache.

Not larger: a virtual machine may have to get larger pieces from its host first; 1 MiB at a time took up to five times
as long there.
"""
MOST_PIECES = 1024
"""What Linux takes in one writev (IOV_MAX)."""

# What a feature's values are, as the tag of their list in it.
BYTES, FLOATS, INTS = b"\x0a", b"\x12", b"\x1a"


def encode_example(features: dict[str, FeatureValues]) -> bytes:
    """A serialized tf.train.Example, its features in the order of their names.

    A feature's kind is that of its first value; an empty list has none.
    """
    encoded = b"".join(_encode_any(name, features[name]) for name in sorted(features))
    return _field_start(_FEATURES, len(encoded)) + encoded


def encode_example_with(name: str, value: bytes, others: bytes) -> tuple[bytes, bytes, bytes]:
    """A serialized tf.train.Example in three pieces, of which the middle one is `value` itself, which is not copied.

    Args:
        name: the feature, the first in the Example, whose only value is `value`.
        others: what `encode_feature` gave for the others, one after another.
    """
    value_start = _field_start(_VALUES, len(value))
    start = _feature_start(name, BYTES, len(value_start) + len(value)) + value_start
    return _field_start(_FEATURES, len(start) + len(value) + len(others)) + start, value, others


def encode_feature(name: str, kind: bytes, values: bytes) -> bytes:
    """A feature as it stands in a serialized Example; without values it has no kind.

    Args:
        kind: BYTES, FLOATS or INTS.
        values: as `encode_bytes`, `encode_floats` or `encode_int` gave them, one after another.
    """
    return _known_feature_start(name, kind, len(values)) + values


def encode_bytes(value: bytes) -> bytes:
    """One value of a feature of bytes."""
    return _field_start(_VALUES, len(value)) + value


def encode_floats(values: np.ndarray) -> bytes:
    """The values, float [n], of a feature of floats: 4 bytes each."""
    return values.astype("<f4").tobytes()


def encode_int(value: int) -> bytes:
    """One value, from -2^63 up to 2^63, of a feature of integers."""
    return _varint(value % 2**64)


def _encode_any(name: str, values: FeatureValues) -> bytes:
    if values and isinstance(values[0], float):
        return encode_feature(name, FLOATS, encode_floats(np.array(values)))
    if values and isinstance(values[0], int):
        return encode_feature(name, INTS, b"".join(encode_int(value) for value in cast(list[int], values)))
    return encode_feature(name, BYTES, b"".join(encode_bytes(value) for value in cast(list[bytes], values)))


def _feature_start(name: str, kind: bytes, size_bytes: int) -> bytes:
    """All of a feature that stands before its values, which take `size_bytes`: an entry of the map `feature`."""
    start = b""
    if size_bytes:
        start = start if kind == BYTES else _field_start(_VALUES, size_bytes)
        start = _field_start(kind, size_bytes, start)
    start = _field_start(_ENTRY_FEATURE, size_bytes, start)
    encoded_name = name.encode()
    start = _field_start(_ENTRY_NAME, len(encoded_name)) + encoded_name + start
    return _field_start(_ENTRY, size_bytes, start)


_known_feature_start = lru_cache(maxsize=4096)(_feature_start)
"""The same, remembered: names and sizes come again in every record."""


def _field_start(tag: bytes, size_bytes: int, inner: bytes = b"") -> bytes:
    """A field's tag and length, then its first bytes, `inner`; `size_bytes` more are to follow these."""
    return tag + _varint(len(inner) + size_bytes) + inner


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first. Source: protobuf.dev/programming-guides/encoding."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def decode_example(data: bytes) -> dict[str, FeatureValues]:
    """The features of a serialized tf.train.Example.

    Raises:
        DetloopError: the bytes are no Example.
    """
    example = _example_class()()
    try:
        example.ParseFromString(data)
    except DecodeError:
        raise DetloopError("not a tf.train.Example") from None
    return {name: _values(feature) for name, feature in example.features.feature.items()}


def _values(feature: Any) -> FeatureValues:
    kind = feature.WhichOneof("kind")
    return list(getattr(feature, kind).value) if kind else []


class RecordWriter:
    """Appends records to a TFRecord file.

    A record is its length (uint64), the masked CRC-32C of the length, the data and the masked CRC-32C of the data,
    all little-endian. Source: tensorflow/core/lib/io/record_writer.h.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self._pending: list[bytes | memoryview] = []
        self._pending_bytes = 0

    def write(self, *pieces: bytes) -> None:
        """Appends one record, whose data are the pieces one after another; they are not copied."""
        size_bytes = sum(map(len, pieces))
        length = struct.pack("<Q", size_bytes)
        self._pending += (length, _masked_crc(length), *pieces, _masked_crc(*pieces))
        self._pending_bytes += size_bytes + 16
        if self._pending_bytes >= WRITE_BYTES:
            self._write_out(self._pending_bytes - self._pending_bytes % WRITE_BYTES)

    def close(self) -> None:
        """Writes out what is pending."""
        self._write_out(self._pending_bytes)
        self._file.close()

    def _write_out(self, size_bytes: int) -> None:
        """Writes the first bytes of what is pending; the system may take only a part at a time."""
        due, self._pending = _cut(self._pending, size_bytes)
        self._pending_bytes -= size_bytes
        while due:
            due = _cut(due, os.writev(self._file.fileno(), due[:MOST_PIECES]))[1]


def _cut(
    pieces: list[bytes | memoryview], size_bytes: int
) -> tuple[list[bytes | memoryview], list[bytes | memoryview]]:
    """The first bytes of the pieces, and the rest, without a copy."""
    for place, piece in enumerate(pieces):
        if size_bytes < len(piece):
            view = memoryview(piece)
            return [*pieces[:place], view[:size_bytes]], [view[size_bytes:], *pieces[place + 1 :]]
        size_bytes -= len(piece)
    return pieces, []


class RecordPlace(NamedTuple):
    """Where a record's data lies in its file, and how long it is."""

    offset_bytes: int
    size_bytes: int


def record_places(path: Path) -> Iterator[RecordPlace]:
    """Where the records of a TFRecord file lie; reads their lengths alone.

    Raises:
        DetloopError: the file is cut short or is no TFRecord file.
    """
    position, size = 0, path.stat().st_size
    with open(path, "rb") as file:
        while position < size:
            file.seek(position)
            header = file.read(12)
            if len(header) < 12 or header[8:] != _masked_crc(header[:8]):
                raise DetloopError(f"{path}: not a TFRecord file (damaged at byte {position}); write it again")
            place = RecordPlace(position + 12, int(struct.unpack("<Q", header[:8])[0]))
            following = place.offset_bytes + place.size_bytes + 4
            if following > size:
                raise DetloopError(f"{path}: the record at byte {position} is cut short; write it again")
            yield place
            position = following


def read_record(path: Path, place: RecordPlace) -> bytes:
    """One record's data.

    Raises:
        DetloopError: its checksum does not fit.
    """
    with open(path, "rb") as file:
        return _record_at(file, path, place)


def read_records(path: Path) -> Iterator[bytes]:
    """The records of a TFRecord file.

    Raises:
        DetloopError: the file is cut short or its checksums do not fit.
    """
    with open(path, "rb") as file:
        for place in record_places(path):
            yield _record_at(file, path, place)


def _record_at(file: IO[bytes], path: Path, place: RecordPlace) -> bytes:
    file.seek(place.offset_bytes)
    data, crc = file.read(place.size_bytes), file.read(4)
    if crc != _masked_crc(data):
        raise DetloopError(f"{path}: the record at byte {place.offset_bytes - 12} is damaged; write it again")
    return data


def count_records(path: Path) -> int:
    """How many records a TFRecord file holds; reads their lengths alone.

    Raises:
        DetloopError: the file is cut short or is no TFRecord file.
    """
    return sum(1 for _ in record_places(path))


def _masked_crc(*pieces: bytes) -> bytes:
    crc = 0
    for piece in pieces:
        crc = google_crc32c.extend(crc, piece)
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


@cache
def _example_class() -> Any:
    """tf.train.Example in a pool of its own, so that TensorFlow's definition can live beside it.

    Source: tensorflow/core/example/example.proto and feature.proto.
    """
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="detloop", syntax="proto3")
    lists = (("BytesList", field.TYPE_BYTES), ("FloatList", field.TYPE_FLOAT), ("Int64List", field.TYPE_INT64))
    for list_name, value_type in lists:
        message = file.message_type.add(name=list_name)
        message.field.add(name="value", number=1, type=value_type, label=field.LABEL_REPEATED)
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, (name, kind) in enumerate(
        (("bytes_list", "BytesList"), ("float_list", "FloatList"), ("int64_list", "Int64List")), start=1
    ):
        _message_field(feature, name, number, kind).oneof_index = 0
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    _message_field(entry, "value", 2, "Feature")
    _message_field(features, "feature", 1, "Features.FeatureEntry").label = field.LABEL_REPEATED
    _message_field(file.message_type.add(name="Example"), "features", 1, "Features")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("detloop.Example"))


def _message_field(message: Any, name: str, number: int, kind: str) -> Any:
    field = descriptor_pb2.FieldDescriptorProto
    return message.field.add(
        name=name, number=number, type=field.TYPE_MESSAGE, label=field.LABEL_OPTIONAL, type_name=f".detloop.{kind}"
    )
