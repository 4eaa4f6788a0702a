"""TFRecord files and tf.train.Example messages written without TensorFlow, read by TensorFlow, and the other way."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from detloop.errors import DetloopError
from detloop.examples import (
    BYTES,
    FLOATS,
    INTS,
    RecordWriter,
    count_records,
    decode_example,
    encode_bytes,
    encode_example,
    encode_example_with,
    encode_feature,
    encode_floats,
    encode_int,
    read_record,
    read_records,
    record_places,
)

FEATURES = {
    "text": [b"person", b"\xff\x00", b""],
    "number": [1, 0, -5, 2**62],
    "share": [0.5, -1.25, 0.0],
    "nothing": [],
}
values = (
    st.lists(st.binary(max_size=300), max_size=4)
    | st.lists(st.floats(width=32, allow_nan=False), max_size=4)
    | st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4)
)


def write(path: Path, records: list[bytes]) -> Path:
    writer = RecordWriter(path)
    for record in records:
        writer.write(record)
    writer.close()
    return path


def test_tensorflow_reads_the_example() -> None:
    example = tf.train.Example.FromString(encode_example(FEATURES))
    feature = example.features.feature
    assert list(feature["text"].bytes_list.value) == FEATURES["text"]
    assert list(feature["number"].int64_list.value) == FEATURES["number"]
    assert list(feature["share"].float_list.value) == FEATURES["share"]
    assert "nothing" in feature
    assert feature["nothing"].WhichOneof("kind") is None


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=10), values, max_size=5))
def test_what_is_encoded_is_decoded(features: dict) -> None:
    assert decode_example(encode_example(features)) == features


def test_encoding_does_not_depend_on_the_order_of_the_features() -> None:
    assert encode_example(FEATURES) == encode_example(dict(reversed(FEATURES.items())))


@settings(deadline=None)
@given(
    st.sampled_from([0, 1, 127, 128, 300, 20_000, 3_000_000]),
    st.lists(st.binary(max_size=200), max_size=200),
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=50),
)
def test_an_example_in_pieces_is_the_one_in_a_piece(size: int, texts: list[bytes], numbers: list[int]) -> None:
    value = bytes(size)
    others = (
        encode_feature("b", BYTES, b"".join(map(encode_bytes, texts))),
        encode_feature("c", INTS, b"".join(map(encode_int, numbers))),
        encode_feature("d", FLOATS, encode_floats(np.array([0.5, -2]))),
    )
    pieces = encode_example_with("a", value, b"".join(others))
    assert pieces[1] is value
    features = {"a": [value], "b": texts, "c": numbers, "d": [0.5, -2.0]}
    assert b"".join(pieces) == encode_example(features)
    assert tf.train.Example.FromString(b"".join(pieces)).features.feature["c"].int64_list.value == numbers


def test_tensorflow_reads_the_file(tmp_path: Path) -> None:
    records = [b"", b"short", bytes(range(256)) * 9000]
    path = write(tmp_path / "a.record", records)
    assert [record.numpy() for record in tf.data.TFRecordDataset(str(path))] == records


@pytest.mark.parametrize("sizes", [[1] * 9000, [70_000] * 5, [65_520, 16, 65_519, 17, 131_056, 200_000, 3]])
def test_a_record_is_whole_wherever_it_is_cut_to_be_written(tmp_path: Path, sizes: list[int]) -> None:
    """Records are written in multiples of 64 KiB, from at most 1024 pieces at a time."""
    records = [bytes([index % 251]) * size for index, size in enumerate(sizes)]
    path = tmp_path / "a.record"
    writer = RecordWriter(path)
    for record in records:
        writer.write(record[:5], b"", record[5:])
        assert path.stat().st_size % (1 << 16) == 0
    writer.close()
    assert list(read_records(path)) == records


def test_a_file_of_tensorflow_is_read(tmp_path: Path) -> None:
    records = [b"", b"short", bytes(range(256)) * 9000]
    path = tmp_path / "a.record"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    assert list(read_records(path)) == records
    assert count_records(path) == 3


def test_a_record_is_read_by_its_place(tmp_path: Path) -> None:
    records = [b"", b"short", bytes(range(256)) * 9]
    path = write(tmp_path / "a.record", records)
    places = list(record_places(path))
    assert [place.size_bytes for place in places] == [0, 5, 2304]
    assert [read_record(path, place) for place in reversed(places)] == records[::-1]


def test_a_file_without_records_is_empty(tmp_path: Path) -> None:
    path = write(tmp_path / "a.record", [])
    assert list(read_records(path)) == []
    assert count_records(path) == 0


@pytest.mark.parametrize("kept_bytes", [5, 12, 20, 37])
def test_a_file_cut_short_is_an_error(tmp_path: Path, kept_bytes: int) -> None:
    path = write(tmp_path / "a.record", [b"0123456789", b"0123456789"])
    path.write_bytes(path.read_bytes()[:kept_bytes])
    with pytest.raises(DetloopError, match=r"a\.record"):
        list(read_records(path))
    with pytest.raises(DetloopError, match=r"a\.record"):
        count_records(path)


def test_a_changed_byte_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "a.record", [b"0123456789"])
    data = bytearray(path.read_bytes())
    data[14] ^= 1
    path.write_bytes(data)
    with pytest.raises(DetloopError, match="damaged"):
        list(read_records(path))
    (place,) = record_places(path)
    with pytest.raises(DetloopError, match=r"a\.record: the record at byte 0 is damaged"):
        read_record(path, place)


def test_bytes_that_are_no_example_are_an_error() -> None:
    with pytest.raises(DetloopError, match=r"tf\.train\.Example"):
        decode_example(b"\xff\xff\xff")
