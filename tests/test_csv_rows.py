"""CSV files: what is written is read back, by name of column, and what is wrong is said with its line."""

import csv
from pathlib import Path

import pytest

from detloop.csv_rows import (
    BadRowError,
    csv_text,
    number,
    open_csv_for_reading,
    open_csv_for_writing,
    read_rows,
    whole_number,
)
from detloop.errors import DetloopError

ODD_VALUES = ["plain", "comma, quote \" and 'quote'", "line\nfeed", "carriage\rreturn", "", "ä", "\udcff"]


@pytest.mark.parametrize("value", ODD_VALUES)
def test_any_value_is_read_back(tmp_path: Path, value: str) -> None:
    path = tmp_path / "table.csv"
    with open_csv_for_writing(path) as file:
        file.write(csv_text([("name", "note"), (value, 1), ("next", 2)]))
    with open_csv_for_reading(path, "table") as file:
        assert [values for _, values in read_rows(file, path, ("note", "name"))] == [("1", value), ("2", "next")]


def test_columns_are_found_by_name_and_lines_are_counted_over_line_feeds(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text('b,a\n"two\nlines",1\n\nlast,2\n', encoding="utf-8")
    with open_csv_for_reading(path, "table") as file:
        assert list(read_rows(file, path, ("a",), optional="c")) == [(3, ("1", "")), (5, ("2", ""))]


def test_a_row_with_too_few_values_is_named(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,2\n3\n", encoding="utf-8")
    with (
        open_csv_for_reading(path, "table") as file,
        pytest.raises(DetloopError, match="line 3: 1 values for 2 columns"),
    ):
        list(read_rows(file, path, ("a",)))


def test_plain_rows_are_as_the_csv_module_writes_them(tmp_path: Path) -> None:
    assert csv_text([("a", 1)]) == "a,1\n"
    assert next(csv.reader([csv_text([('say "a", b', 1)])])) == ['say "a", b', "1"]


@pytest.mark.parametrize(("text", "value"), [("640", 640), ("640.0", 640), ("0", 0)])
def test_whole_numbers(text: str, value: int) -> None:
    assert whole_number(text, "width") == value


@pytest.mark.parametrize("text", ["", "six", "nan", "inf", "1.5", "-1"])
def test_what_is_no_whole_number(text: str) -> None:
    with pytest.raises(BadRowError, match="width is"):
        whole_number(text, "width")


@pytest.mark.parametrize("text", ["", "x", "nan", "-inf"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(BadRowError, match=f"score is {text!r}, not a number"):
        number(text, "score")
