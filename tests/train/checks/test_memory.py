"""The memory estimate, and what there is to compare it with."""

import pytest

from detloop.train.checks.memory import check_memory, estimate_memory, main_memory_bytes
from detloop.train.checks.survey import survey_side
from tests.train.checks.configs import RESIZER, config
from tests.train.checks.made_records import example, good_folder, write_folder

GB = 10**9


@pytest.fixture
def train(tmp_path):
    folder = good_folder(tmp_path / "records")
    return survey_side("train", folder.train, folder.label_map)


def fixed(side, batch_size=8, *others):
    sides = [f"{RESIZER}.fixed_shape_resizer.{name}={side}" for name in ("width", "height")]
    return config(*sides, f"train_config.batch_size={batch_size}", *others)


def test_the_network_grows_with_pixels_and_batch(train):
    one = estimate_memory(fixed(100, 1), train).network_bytes
    assert estimate_memory(fixed(100, 8), train).network_bytes == 8 * one
    assert estimate_memory(fixed(300, 1), train).network_bytes == 9 * one


def test_the_shuffle_buffer_holds_encoded_records(tmp_path, train):
    small, large = (
        estimate_memory(fixed(100, 1, f"train_input_reader.shuffle_buffer_size={size}"), train) for size in (10, 1010)
    )
    assert large.input_bytes - small.input_bytes == 1000 * train.read_bytes // train.read
    unshuffled = fixed(100, 1, "train_input_reader.shuffle=false", "train_input_reader.shuffle_buffer_size=1010")
    assert estimate_memory(unshuffled, train).input_bytes < small.input_bytes


def test_too_much_is_a_warning_with_its_formula(train):
    large = fixed(1024, 64)
    assert check_memory(large, train, main_bytes=10_000 * GB) == []
    (finding,) = check_memory(large, train, main_bytes=16 * GB)
    assert (finding.severity, finding.where) == ("warning", "main memory")
    assert "GB of 16.0 GB (estimate: network 1024x1024 pixels x batch 64 x" in finding.what


def test_with_a_gpu_the_network_is_there(train):
    (finding,) = check_memory(fixed(1024, 64), train, main_bytes=16 * GB, gpu_bytes=24 * GB)
    assert finding.where == "GPU memory"
    assert check_memory(fixed(1024, 64), train, main_bytes=16 * GB, gpu_bytes=1000 * GB) == []


def test_without_a_known_size_or_limit_nothing_is_said(tmp_path, train):
    assert check_memory(fixed(1024, 64), train, main_bytes=None) == []
    folder = write_folder(tmp_path / "unknown", [example(width=[], height=[])])
    assert estimate_memory(fixed(100), survey_side("train", folder.train, folder.label_map)) is None


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("group", "files", "limit"),
    [
        ("0::/\n", {}, 8 * 1024**2),
        ("0::/\n", {"memory.max": "max"}, 8 * 1024**2),
        ("0::/\n", {"memory.max": "4000"}, 4000),
        ("0::/slice/job\n", {"slice/memory.max": "3000", "slice/job/memory.max": "max"}, 3000),
        ("4:memory:/job\n0::/\n", {"memory/job/memory.limit_in_bytes": "2000"}, 2000),
        ("4:cpu:/job\n", {"cpu/job/memory.limit_in_bytes": "2000"}, 8 * 1024**2),
        ("0::/\n", {"memory.max": "99999999999999"}, 8 * 1024**2),
    ],
)
def test_the_least_limit_counts(tmp_path, group, files, limit):
    write(tmp_path / "proc" / "meminfo", "MemTotal:        8192 kB\nMemFree: 1 kB\n")
    write(tmp_path / "proc" / "self" / "cgroup", group)
    for name, text in files.items():
        write(tmp_path / "cgroup" / name, f"{text}\n")
    assert main_memory_bytes(tmp_path / "proc", tmp_path / "cgroup") == limit


def test_where_nothing_is_known_there_is_no_limit(tmp_path):
    assert main_memory_bytes(tmp_path, tmp_path) is None
