"""Runs test files of the Object Detection API, each in a process forked from one that has loaded the API.

Importing TensorFlow and the API takes seconds, a fork takes milliseconds: so every file has a fresh process, and a
crash, a hang or a global switch in one of them reaches no other. It works because nothing is computed before the fork.
"""

import ctypes
import importlib
import os
import signal
import sys
import tempfile
import time
import traceback
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from detloop.train.odapi.runtime import load_api
from tools.odapi_tests_names import put_back, put_back_in
from tools.odapi_tests_results import Record, module_name, result_path

NOT_A_TEST = "test_session"
"""A helper of tf.test.TestCase that unittest takes for a test."""

_PR_SET_PDEATHSIG = 1
"""Asks the kernel to end a file's process when the worker dies; source: linux/prctl.h."""


def main(arguments: list[str]) -> None:
    """Runs `behaviour out_dir timeout_s file...` and writes one file of records for each test file."""
    behaviour, out_dir, timeout_s, *files = arguments
    _limit_to_processor()
    load_api("tf1" if behaviour == "tf1" else "tf2")
    put_back()
    importlib.import_module("object_detection.utils.test_case")
    importlib.import_module("object_detection.builders.model_builder")
    for file in files:
        record = Record(result_path(Path(out_dir), behaviour, file))
        started = time.monotonic()
        ended = _run_apart(file, record, float(timeout_s))
        record.end(ended, time.monotonic() - started)
        print(f"{behaviour} {file}: {ended} in {time.monotonic() - started:.1f} s", flush=True)


def _limit_to_processor() -> None:
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, "2")


def _run_apart(file: str, record: Record, timeout_s: float) -> str:
    process = os.fork()
    if process == 0:
        _run_and_exit(file, record)
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return "done" if status == 0 else f"died ({_reason(status)})"
        time.sleep(0.05)
    os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return f"stopped after {timeout_s:.0f} s"


def _reason(status: int) -> str:
    return signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}"


def _run_and_exit(file: str, record: Record) -> None:
    code = 1
    try:
        os.setpgid(0, 0)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        with (
            tempfile.TemporaryDirectory(prefix="odapi-tests-") as folder,
            record.path.with_suffix(".log").open("w") as log,
        ):
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            os.chdir(folder)
            _run(file, record, folder)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _run(file: str, record: Record, folder: str) -> None:
    from absl import flags

    sys.argv = [file]
    try:
        module = importlib.import_module(module_name(file))
    except unittest.SkipTest as skipped:
        record.test("(import)", "skipped", 0.0, str(skipped))
        return
    except Exception as error:
        record.test("(import)", "failed", 0.0, _one_line(error), traceback.format_exc())
        return
    put_back_in(module)
    flags.FLAGS(sys.argv[:1])
    flags.FLAGS.test_tmpdir = folder
    tests = [test for test in _each(unittest.defaultTestLoader.loadTestsFromModule(module)) if _is_test(test)]
    record.collected([_name(test) for test in tests])
    unittest.TestSuite(tests).run(_Recorder(record))


def _each(suite: Any) -> Iterator[Any]:
    for part in suite:
        if isinstance(part, unittest.TestSuite):
            yield from _each(part)
        else:
            yield part


def _is_test(test: Any) -> bool:
    return not _name(test).endswith(f".{NOT_A_TEST}")


def _name(test: Any) -> str:
    """Class and method; tests with parameters have them in their id where absl gives no other name."""
    return str(test.id()).removeprefix(f"{type(test).__module__}.")


def _one_line(error: BaseException) -> str:
    """The error's type and text; of a long text its two ends, as TensorFlow gives the cause last."""
    text = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return text if len(text) <= 400 else f"{text[:150]} ... {text[-245:]}"


class _Recorder(unittest.TestResult):
    """Writes each outcome as it comes, so that those before a crash are kept."""

    def __init__(self, record: Record) -> None:
        super().__init__()
        self._record = record
        self._started = 0.0
        self._outcome = ("passed", "", "")

    def startTest(self, test: Any) -> None:  # noqa: N802
        super().startTest(test)
        self._started = time.monotonic()
        self._outcome = ("passed", "", "")

    def stopTest(self, test: Any) -> None:  # noqa: N802
        super().stopTest(test)
        outcome, message, trace = self._outcome
        self._record.test(_name(test), outcome, time.monotonic() - self._started, message, trace)

    def addSkip(self, test: Any, reason: str) -> None:  # noqa: N802
        self._outcome = ("skipped", reason, "")

    def addError(self, test: Any, err: Any) -> None:  # noqa: N802
        self._outcome = ("failed", _one_line(err[1]), "".join(traceback.format_exception(*err)))
        if not isinstance(test, unittest.TestCase):
            self._record.test(str(test.id()), *self._at_once())

    addFailure = addError  # noqa: N815

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:  # noqa: N802
        if err is not None:
            self.addError(test, err)

    def _at_once(self) -> tuple[str, float, str, str]:
        outcome, message, trace = self._outcome
        return outcome, 0.0, message, trace


if __name__ == "__main__":
    main(sys.argv[1:])
