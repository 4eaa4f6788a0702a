"""tf.train.Example messages and TFRecord files, written and read without importing TensorFlow."""

import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import IO, Any, NamedTuple

import google_crc32c
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from detloop.errors import DetloopError

# Not larger: the kernel answers long writes with large pieces of page cache, which a virtual machine may have to get
# from its host first; 1 MiB at a time took up to five times as long there.
WRITE_BUFFER_BYTES = 1 << 16
FeatureValues = list[bytes] | list[float] | list[int]


def encode_example(features: dict[str, FeatureValues]) -> bytes:
    """A serialized tf.train.Example; a feature's kind is that of its first value, and an empty list has no kind."""
    example = _example_class()()
    feature_of = example.features.feature
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
    return bytes(example.SerializeToString(deterministic=True))


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
        self._file: IO[bytes] = path.open("wb", buffering=WRITE_BUFFER_BYTES)

    def write(self, data: bytes) -> None:
        length = struct.pack("<Q", len(data))
        self._file.write(length + _masked_crc(length))
        self._file.write(data)
        self._file.write(_masked_crc(data))

    def close(self) -> None:
        """Writes out what is buffered."""
        self._file.close()


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


def _masked_crc(data: bytes) -> bytes:
    crc = google_crc32c.value(data)
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
