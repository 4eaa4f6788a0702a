"""tf.train.Example messages and TFRecord files, written and read without importing TensorFlow."""

import os
import struct
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any, NamedTuple

import google_crc32c
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from detloop.errors import DetloopError

# Tags of the fields that a bytes feature is made of, all of them length-delimited (wire type 2); the source is
# tensorflow/core/example/example.proto and feature.proto.
EXAMPLE_FEATURES, ENTRY_NAME, ENTRY_FEATURE, FEATURES_ENTRY = b"\x0a", b"\x0a", b"\x12", b"\x0a"
FEATURE_BYTES, BYTES_VALUE = b"\x0a", b"\x0a"

FeatureValues = list[bytes] | list[float] | list[int]


def encode_example(features: dict[str, FeatureValues]) -> bytes:
    """A serialized tf.train.Example; a feature's kind is that of its first value, and an empty list has no kind."""
    encoded = _encode_features(features)
    return _field_start(EXAMPLE_FEATURES, len(encoded)) + encoded


def encode_example_with(name: str, value: bytes, features: dict[str, FeatureValues]) -> tuple[bytes, bytes, bytes]:
    """A serialized tf.train.Example in three pieces, of which the middle one is `value` itself, which is not copied.

    The bytes are those of `encode_example` where `name` is the first in the order of the names.

    Args:
        name: the feature whose only value is `value`.
        features: all others.
    """
    others, size, encoded_name = _encode_features(features), len(value), name.encode()
    start = _field_start(BYTES_VALUE, size)
    start = _field_start(FEATURE_BYTES, size, start)
    start = _field_start(ENTRY_FEATURE, size, start)
    start = _field_start(ENTRY_NAME, len(encoded_name)) + encoded_name + start
    start = _field_start(FEATURES_ENTRY, size, start)
    return _field_start(EXAMPLE_FEATURES, size + len(others), start), value, others


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


def _encode_features(features: dict[str, FeatureValues]) -> bytes:
    """A serialized Features message, in the order of the names."""
    message = _message_class("Features")()
    feature_of = message.feature
    for name, values in features.items():
        feature = feature_of[name]
        if not values:
            continue
        if isinstance(values[0], bytes):
            feature.bytes_list.value.extend(values)
        elif isinstance(values[0], float):
            feature.float_list.value.extend(values)
        else:
            feature.int64_list.value.extend(values)
    return bytes(message.SerializeToString(deterministic=True))


def decode_example(data: bytes) -> dict[str, FeatureValues]:
    """The features of a serialized tf.train.Example.

    Raises:
        DetloopError: the bytes are no Example.
    """
    example = _message_class("Example")()
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

    def write(self, *pieces: bytes) -> None:
        """Appends one record, whose data are the pieces one after another."""
        length = struct.pack("<Q", sum(map(len, pieces)))
        _write_all(self._file.fileno(), (length, _masked_crc(length), *pieces, _masked_crc(*pieces)))

    def close(self) -> None:
        """Closes the file; nothing is buffered."""
        self._file.close()


def _write_all(descriptor: int, pieces: Sequence[bytes]) -> None:
    """Appends all pieces with one call to the system, or with more where it takes only a part, as on a disk near full.

    A record a call is the right size: the kernel answers long writes with large pieces of page cache, which a virtual
    machine may have to get from its host first; 1 MiB at a time took up to five times as long there.
    """
    written = os.writev(descriptor, pieces)
    if written < sum(map(len, pieces)):
        rest = memoryview(b"".join(pieces))[written:]
        while rest:
            rest = rest[os.write(descriptor, rest) :]


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
def _message_class(name: str) -> Any:
    return message_factory.GetMessageClass(_message_pool().FindMessageTypeByName(f"detloop.{name}"))


@cache
def _message_pool() -> descriptor_pool.DescriptorPool:
    """tf.train.Example and its parts in a pool of their own, so that TensorFlow's definition can live beside them.

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
    return pool


def _message_field(message: Any, name: str, number: int, kind: str) -> Any:
    field = descriptor_pb2.FieldDescriptorProto
    return message.field.add(
        name=name, number=number, type=field.TYPE_MESSAGE, label=field.LABEL_OPTIONAL, type_name=f".detloop.{kind}"
    )
