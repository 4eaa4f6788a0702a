"""Writing local files and folders whole or not at all."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from detloop.errors import DetloopError
from detloop.store import write_file_whole, write_folder_whole


class StoppedError(Exception):
    """What stops the writing in these tests."""


KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from detloop import store
path = Path(sys.argv[1])
own_names = [".*"] if sys.argv[2] == "write_folder_whole" else []
with getattr(store, sys.argv[2])(path, *own_names) as partial:
    (partial / "half" if partial.is_dir() else partial).write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_file_gets_its_name_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "table.csv"
    with write_file_whole(path) as partial:
        partial.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert os.listdir(path.parent) == ["table.csv"]


def test_a_file_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    with suppress(StoppedError), write_file_whole(path) as partial:
        partial.write_text("half")
        raise StoppedError
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["table.csv"]


def test_a_folder_replaces_the_one_there_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "records"
    for content in ("old", "new"):
        with write_folder_whole(path, ".*") as partial:
            (partial / content).touch()
    assert os.listdir(path) == ["new"]
    assert os.listdir(tmp_path) == ["records"]


def test_a_folder_with_other_files_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "records"
    path.mkdir()
    (path / "thesis.txt").write_text("mine")
    refused = pytest.raises(DetloopError, match=r"records: holds other files, such as thesis\.txt")
    with refused, write_folder_whole(path, r"split\.csv"):
        pass
    assert (path / "thesis.txt").read_text() == "mine"


def test_a_folder_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "records"
    path.mkdir()
    (path / "old").touch()
    with suppress(StoppedError), write_folder_whole(path, ".*") as partial:
        (partial / "half").touch()
        raise StoppedError
    assert os.listdir(path) == ["old"]
    assert os.listdir(tmp_path) == ["records"]


@pytest.mark.parametrize("writer", ["write_file_whole", "write_folder_whole"])
def test_a_killed_writer_leaves_nothing_half_written_and_the_next_one_completes(tmp_path: Path, writer: str) -> None:
    path = tmp_path / "output"
    killed = subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, str(path), writer])
    assert killed.returncode == -signal.SIGKILL
    assert os.listdir(tmp_path) == ["output.partial"]
    if writer == "write_file_whole":
        with write_file_whole(path) as partial:
            partial.write_text("whole")
        assert path.read_text() == "whole"
    else:
        with write_folder_whole(path, ".*") as partial:
            (partial / "whole").touch()
        assert os.listdir(path) == ["whole"]
    assert os.listdir(tmp_path) == ["output"]
