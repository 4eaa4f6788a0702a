"""Runs the Object Detection API's own unit tests on detloop's runtime, in both behaviours, and counts how they went.

    python -m tools.odapi_tests [--behaviour tf2] [--out out/odapi-tests] [--resume] [utils/ops_test.py ...]

Every file's records go to OUT/<behaviour>/, the tables of all that were run to OUT/table.md. Ends with 1 where fewer
tests pass than detloop promises. A run takes about an hour; one that was interrupted goes on with --resume.
"""

import argparse
import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.odapi_tests_results import PACKAGE, FileResult, is_finished, read_result, result_path
from tools.odapi_tests_rules import classed, file_cannot_run
from tools.odapi_tests_table import passing_share, tables, totals_line

PROMISED = {"tf2": 0.99, "tf1": 0.97}
"""The share of the tests that can run which has to pass."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what the command line asks for; 0 where the promised share passes."""
    parser = argparse.ArgumentParser(description="Runs the Object Detection API's own unit tests.")
    parser.add_argument("files", nargs="*", help="test files inside the package; all of them without one")
    parser.add_argument("--behaviour", choices=sorted(PROMISED), help="one behaviour only")
    parser.add_argument("--out", type=Path, default=Path("out/odapi-tests"), help="folder of the records and the table")
    parser.add_argument("--timeout", type=int, default=1800, help="seconds for one file")
    parser.add_argument("--resume", action="store_true", help="leave out files that an earlier run has finished")
    options = parser.parse_args(arguments)
    files = options.files or find_test_files()
    behaviours = [options.behaviour] if options.behaviour else list(PROMISED)
    results = {name: run_files(name, files, options.out, options.timeout, options.resume) for name in behaviours}
    (options.out / "table.md").write_text(tables(results, files))
    for name in behaviours:
        print(totals_line(name, results[name]))
    return 0 if all(passing_share(results[name]) >= PROMISED[name] for name in behaviours) else 1


def find_test_files() -> list[str]:
    """All test files that came with the package, by their path inside it."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("the Object Detection API is not installed; make env installs it")
    root = Path(spec.submodule_search_locations[0])
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*_test.py"))


def run_files(
    behaviour: str, files: Sequence[str], out_dir: Path, timeout_s: int, resume: bool = False
) -> list[FileResult]:
    """Runs those of the files that can run in this behaviour, in one worker, and reads what it recorded.

    Where the worker itself dies, the files that it did not come to count as failed.
    """
    can_run = [file for file in files if file_cannot_run(file, behaviour) is None]
    to_run = [file for file in can_run if not (resume and is_finished(result_path(out_dir, behaviour, file)))]
    for file in to_run:
        result_path(out_dir, behaviour, file).unlink(missing_ok=True)
    worker = [sys.executable, "-m", "tools.odapi_tests_worker", behaviour, str(out_dir), str(timeout_s), *to_run]
    ended = subprocess.run(worker, check=False).returncode if to_run else 0  # noqa: S603
    if ended:
        print(f"the {behaviour} worker ended with exit code {ended}; go on with --resume", file=sys.stderr)
    return read_results(behaviour, can_run, out_dir)


def read_results(behaviour: str, files: Sequence[str], out_dir: Path) -> list[FileResult]:
    """The recorded results of the files, with the tests classed that cannot run in this behaviour."""
    recorded = ((file, result_path(out_dir, behaviour, file)) for file in files)
    return [classed(read_result(path, file)) for file, path in recorded]


if __name__ == "__main__":
    sys.exit(main())
