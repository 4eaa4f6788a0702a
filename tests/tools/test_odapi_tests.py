"""How the runner of the API's own tests counts, classes and shows what a worker recorded."""

import pytest

from tools.odapi_tests_results import (
    FileResult,
    Outcome,
    Record,
    is_finished,
    module_name,
    read_result,
    result_path,
)
from tools.odapi_tests_rules import classed, file_cannot_run
from tools.odapi_tests_table import passing_share, percent, tables, totals_line

FILE = "utils/ops_test.py"


@pytest.fixture
def record(tmp_path):
    return Record(result_path(tmp_path, "tf2", FILE))


def outcomes(result):
    return {each.name: each.outcome for each in result.outcomes}


def test_names_of_a_file(tmp_path):
    assert module_name(FILE) == "object_detection.utils.ops_test"
    assert result_path(tmp_path, "tf1", FILE) == tmp_path / "tf1" / "utils.ops_test.jsonl"


def test_reads_what_was_recorded(record):
    record.collected(["A.one", "A.two", "A.three"])
    record.test("A.one", "passed", 0.1)
    record.test("A.two", "skipped", 0.0, "TF1 only")
    record.test("A.three", "failed", 0.2, "ValueError: no", "trace")
    record.end("done", 1.0)
    result = read_result(record.path, FILE)
    assert outcomes(result) == {"A.one": "passed", "A.two": "skipped", "A.three": "failed"}
    assert result.failures() == [Outcome("A.three", "failed", "ValueError: no")]
    assert result.seconds == 1.0


def test_tests_that_a_crash_kept_from_running_failed(record):
    record.collected(["A.one", "A.two"])
    record.test("A.one", "passed", 0.1)
    record.end("died (SIGSEGV)", 1.0)
    assert read_result(record.path, FILE).failures() == [Outcome("A.two", "failed", "not finished: died (SIGSEGV)")]


def test_a_file_that_the_worker_did_not_come_to_failed(tmp_path):
    (failure,) = read_result(tmp_path / "nothing.jsonl", FILE).failures()
    assert failure == Outcome("(import)", "failed", "not finished: cut off")


def test_only_a_file_that_has_ended_is_finished(record, tmp_path):
    assert not is_finished(tmp_path / "nothing.jsonl")
    record.collected(["A.one"])
    record.test("A.one", "passed", 0.1)
    assert not is_finished(record.path)
    record.end("done", 1.0)
    assert is_finished(record.path)


def test_a_file_that_never_got_to_its_tests_failed(record):
    record.end("stopped after 600 s", 600.0)
    assert outcomes(read_result(record.path, FILE)) == {"(import)": "failed"}


@pytest.mark.parametrize(
    ("file", "behaviour", "part_of_reason"),
    [
        ("exporter_tf1_test.py", "tf2", "TF1 behaviour"),
        ("exporter_lib_tf2_test.py", "tf1", "TF2 behaviour"),
        ("nets/vgg_test.py", "tf2", "slim"),
        ("models/ssd_feature_extractor_test.py", "tf1", "base class"),
    ],
)
def test_files_that_cannot_run(file, behaviour, part_of_reason):
    assert part_of_reason in file_cannot_run(file, behaviour)


@pytest.mark.parametrize(
    ("file", "behaviour"), [("exporter_tf1_test.py", "tf1"), ("nets/vgg_test.py", "tf1"), (FILE, "tf1"), (FILE, "tf2")]
)
def test_all_others_can_run(file, behaviour):
    assert file_cannot_run(file, behaviour) is None


def test_a_failure_is_put_aside_only_for_what_is_missing():
    missing = Outcome("A.reads", "failed", "NotFoundError: /x/object_detection/data/pet_label_map.pbtxt; No such file")
    wrong = Outcome("A.adds", "failed", "AssertionError: 3 != 4")
    passed = Outcome("A.works", "passed")
    result = classed(FileResult(FILE, (missing, wrong, passed)))
    assert [each.outcome for each in result.outcomes] == ["cannot run", "failed", "passed"]


def test_share_and_tables():
    results = [
        FileResult(FILE, (Outcome("A.a", "passed"), Outcome("A.b", "passed"), Outcome("A.c", "failed", "a | b"))),
        FileResult("core/box_list_test.py", (Outcome("B.a", "skipped"), Outcome("B.b", "cannot run", "no data"))),
    ]
    assert passing_share(results) == pytest.approx(2 / 3)
    assert percent(results) == "66.66 %"
    assert totals_line("tf2", results) == (
        "tf2: 2 passed, 1 failed, 1 skipped, 1 cannot run; 66.66 % of those that can run passed"
    )
    text = tables({"tf2": results}, [FILE, "core/box_list_test.py", "nets/vgg_test.py", "utils/metrics_test.py"])
    assert "| TF2 | 2 | 2 | 1 | 1 | 1 | 66.66 % |" in text
    assert "| `utils/ops_test.py` | 2 / 1 / 0 / 0 |" in text
    assert "| `nets/vgg_test.py` | cannot run |" in text
    assert "| `utils/metrics_test.py` | not run |" in text
    assert "| no data | 1 test |" in text
    assert r"| `utils/ops_test.py` | `A.c` | a \| b |" in text


def test_nothing_run_is_nothing_passed():
    assert passing_share([]) == 0.0
