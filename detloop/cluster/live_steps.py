"""Shows a run's steps as they go: a table that stays in its place on a terminal, a line a change elsewhere."""

import sys
from collections import Counter
from datetime import UTC, datetime
from types import TracebackType

from detloop.summary import ENDED, WAITING, Step

_UP_AND_CLEAR = "\x1b[{rows}F\x1b[J"
_MARKS = {"succeeded": "+", "failed": "!", "running": ">"}


class LiveSteps:
    """Writes steps to standard error; use as a context manager."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._rows = 0
        self._told: dict[tuple[str, int], str] = {}

    def show(self, steps: list[Step]) -> None:
        """Brings what is shown up to date."""
        if self._live:
            self._redraw(steps)
        else:
            self._tell_changes(steps)

    def _redraw(self, steps: list[Step]) -> None:
        now, width = datetime.now(UTC), max([len(step.title) for step in steps], default=0)
        rows = [
            f"{_MARKS.get(step.state, ' ')} {step.title:<{width}}  {duration(step.seconds(now)):>8}  {step.state}"
            for step in steps
        ]
        back = _UP_AND_CLEAR.format(rows=self._rows) if self._rows else ""
        sys.stderr.write(back + "".join(f"{row}\n" for row in rows))
        sys.stderr.flush()
        self._rows = len(rows)

    def _tell_changes(self, steps: list[Step]) -> None:
        """A loop's iterations, which have one name, are told apart by their order."""
        seen: Counter[str] = Counter()
        for step in steps:
            seen[step.name] += 1
            key = (step.name, seen[step.name])
            never_begun = step.state == "skipped" and not step.started
            if self._told.get(key, WAITING) != step.state and not never_begun:
                took = f" after {duration(step.seconds())}" if step.state in ENDED and step.started else ""
                clock = datetime.now(UTC).strftime("%H:%M:%S")
                print(f"{clock} {step.title}: {step.state}{took}", file=sys.stderr, flush=True)
            self._told[key] = step.state

    def __enter__(self) -> "LiveSteps":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows = 0


def duration(seconds: float | None) -> str:
    """A length of time as 12 s, 3:05 min or 1:02:03 h; a dash where there is none."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02} h"
    return f"{minutes}:{rest:02} min" if minutes else f"{rest} s"
