"""What a long step shows of how far it has come."""

import os
import re
import subprocess
import sys
import termios
import time
from contextlib import suppress

import pytest

from detloop import progress
from detloop.progress import Progress

BAR_SCRIPT = """
from detloop.progress import Progress
with Progress("detect", total=40, start=10) as progress:
    for _ in range(30):
        progress.update(boxes="7")
"""


def test_the_last_line_says_what_was_done(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("detect", total=10, unit="images") as shown:
        shown.update(3, boxes="5")
        shown.update(7, boxes="12", loss="0.25")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(r"detect: 10/10 images, [\d.]+ images/s, boxes 12, loss 0.25\n", captured.err)


def test_an_unknown_total_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("frames", unit="frames") as shown:
        shown.update()
    assert capsys.readouterr().err.startswith("frames: 1 frames, ")


def test_lines_come_while_the_work_goes_on(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PLAIN_LINE_EVERY_SECONDS", 0.05)
    with Progress("detect", total=4) as shown:
        shown.update()
        time.sleep(0.06)
        shown.update()
        shown.update()
        between = capsys.readouterr().err
        shown.update()
    assert [line.split(",")[0] for line in between.splitlines()] == ["detect: 2/4 images"]


def test_what_an_earlier_run_did_counts_as_done_but_not_as_speed(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("detect", total=5002, start=5000) as shown:
        time.sleep(0.1)
        shown.update(2)
    line = capsys.readouterr().err
    assert line.startswith("detect: 5002/5002 images, ")
    rate = re.search(r"([\d.]+) images/s", line)
    assert rate is not None
    assert 0 < float(rate[1]) <= 20


def test_a_failure_has_the_last_word(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="broken"), Progress("detect", total=2):
        raise ValueError("broken")
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar() -> None:
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    subprocess.run([sys.executable, "-c", BAR_SCRIPT], stderr=slave, check=True)
    os.close(slave)
    shown = ""
    with os.fdopen(master, "rb", buffering=0) as terminal, suppress(OSError):  # its end is an error, not an empty read
        while True:
            shown += terminal.read(4096).decode()
    assert "\r" in shown
    assert "40/40" in shown
    assert "boxes=7" in shown
