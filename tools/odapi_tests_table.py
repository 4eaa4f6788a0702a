"""The tables of a run: totals, every file's counts, what cannot run and what failed."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tools.odapi_tests_results import FileResult
from tools.odapi_tests_rules import file_cannot_run

COUNTED = ("passed", "failed", "skipped", "cannot run")


def passing_share(results: Sequence[FileResult]) -> float:
    """Passed of those that can run and were not skipped by themselves; 0 where there are none."""
    total = _total(results)
    ran = total["passed"] + total["failed"]
    return total["passed"] / ran if ran else 0.0


def totals_line(behaviour: str, results: Sequence[FileResult]) -> str:
    """One line for the terminal."""
    total = _total(results)
    counts = ", ".join(f"{total[name]} {name}" for name in COUNTED)
    return f"{behaviour}: {counts}; {percent(results)} of those that can run passed"


def percent(results: Sequence[FileResult]) -> str:
    """The passing share, rounded down so that 100.00 % means all."""
    return f"{int(passing_share(results) * 10000) / 100:.2f} %"


def tables(results: Mapping[str, Sequence[FileResult]], files: Iterable[str]) -> str:
    """Markdown: totals, then by file, then the reasons."""
    listed = list(files)
    parts = [_totals(results), _by_file(results, listed)]
    for behaviour, of_behaviour in results.items():
        parts += [_cannot_run(behaviour, of_behaviour, listed), _failed(behaviour, of_behaviour)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _total(results: Sequence[FileResult]) -> Counter[str]:
    return Counter(each.outcome for result in results for each in result.outcomes)


def _totals(results: Mapping[str, Sequence[FileResult]]) -> str:
    rows = [
        [behaviour.upper(), len(of_behaviour), *(_total(of_behaviour)[name] for name in COUNTED), percent(of_behaviour)]
        for behaviour, of_behaviour in results.items()
    ]
    return _table(["behaviour", "files run", *COUNTED, "passed of those that can run"], rows)


def _by_file(results: Mapping[str, Sequence[FileResult]], files: Sequence[str]) -> str:
    found = {behaviour: {each.file: each for each in of_behaviour} for behaviour, of_behaviour in results.items()}
    rows = [[f"`{file}`", *(_counts(behaviour, file, found[behaviour]) for behaviour in found)] for file in files]
    return "passed / failed / skipped / cannot run:\n\n" + _table(["file", *(name.upper() for name in found)], rows)


def _counts(behaviour: str, file: str, found: Mapping[str, FileResult]) -> str:
    if file in found:
        return " / ".join(str(found[file].count(name)) for name in COUNTED)
    return "cannot run" if file_cannot_run(file, behaviour) else "not run"


def _cannot_run(behaviour: str, results: Sequence[FileResult], files: Sequence[str]) -> str:
    reasons: dict[str, list[str]] = {}
    for file in files:
        if reason := file_cannot_run(file, behaviour):
            reasons.setdefault(reason, []).append(file)
    rows = [[reason, _number(len(those), "file")] for reason, those in reasons.items()]
    tests = Counter(each.message for result in results for each in result.outcomes if each.outcome == "cannot run")
    rows += [[reason, _number(count, "test")] for reason, count in tests.items()]
    return f"Cannot run in {behaviour.upper()}:\n\n" + _table(["why", "how many"], rows) if rows else ""


def _failed(behaviour: str, results: Sequence[FileResult]) -> str:
    rows = [
        [f"`{result.file}`", f"`{each.name}`", each.message.replace("|", "\\|")]
        for result in results
        for each in result.failures()
    ]
    return f"Failed in {behaviour.upper()}:\n\n" + _table(["file", "test", "message"], rows) if rows else ""


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)
