"""The order in which records are read: all of them, time after time, several files in turn."""

from itertools import islice
from pathlib import Path

import pytest

from detloop.errors import DetloopError
from detloop.examples import RecordPlace, RecordWriter, read_record
from detloop.train.odapi.record_order import endless_places


def write(path: Path, records: list[bytes]) -> Path:
    writer = RecordWriter(path)
    for record in records:
        writer.write(record)
    writer.close()
    return path


@pytest.fixture
def files(tmp_path) -> list[Path]:
    contents = {"a": [b"a0", b"a1 is longer", b"a2"], "b": [b"b0"], "c": [], "d": [b"d0", b"d1"]}
    return [write(tmp_path / f"{name}.record", records) for name, records in contents.items()]


def read(files: list[Path], count: int, at_once: int, seed: int | None) -> list[bytes]:
    places = islice(endless_places(files, at_once, seed), count)
    return [read_record(files[file], RecordPlace(offset, size)) for file, offset, size in places]


def test_the_files_at_once_give_a_record_in_turn(files):
    assert read(files, 6, at_once=2, seed=None) == [b"a0", b"b0", b"a1 is longer", b"a2", b"d0", b"d1"]


@pytest.mark.parametrize("at_once", [1, 3, 64])
def test_every_record_comes_once_each_time(files, at_once):
    twice = read(files, 12, at_once, seed=3)
    everything = sorted([b"a0", b"a1 is longer", b"a2", b"b0", b"d0", b"d1"])
    assert sorted(twice[:6]) == everything
    assert sorted(twice[6:]) == everything


def test_a_seed_orders_the_files_anew_each_time(files):
    orders = {tuple(read(files, 6, 1, seed)) for seed in range(20)}
    assert len(orders) > 1
    assert read(files, 60, 1, seed=5) == read(files, 60, 1, seed=5)
    epochs = read(files, 60, 1, seed=5)
    assert len({tuple(epochs[start : start + 6]) for start in range(0, 60, 6)}) > 1


def test_a_damaged_file_is_named(files):
    files[1].write_bytes(files[1].read_bytes()[:-1])
    with pytest.raises(DetloopError, match=r"b\.record: .* cut short"):
        read(files, 12, at_once=1, seed=None)
