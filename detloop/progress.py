"""How far a long step has come: a bar on a terminal, a plain line every few seconds elsewhere."""

import sys
import time
from types import TracebackType

from tqdm import tqdm

PLAIN_LINE_EVERY_SECONDS = 5.0


class Progress:
    """Counts finished units of work and shows them on standard error, with any figures given along.

    Use as a context manager; `Progress("detect", total=600, unit="images")`. `total` may be None when unknown;
    `start` is how many were done by an earlier, interrupted run.
    """

    def __init__(self, label: str, total: int | None = None, unit: str = "images", start: int = 0) -> None:
        self._label, self._total, self._unit = label, total, unit
        self._done = self._start = start
        self._began = self._last_line = time.monotonic()
        self._figures: dict[str, str] = {}
        self._bar = None
        if sys.stderr.isatty():
            self._bar = tqdm(desc=label, total=total, unit=f" {unit}", initial=start, file=sys.stderr)

    def update(self, count: int = 1, **figures: str) -> None:
        """Adds `count` finished units; `figures` replace the figures of the same name shown so far."""
        self._done += count
        self._figures |= figures
        if self._bar is not None:
            self._bar.set_postfix(self._figures, refresh=False)
            self._bar.update(count)
        elif time.monotonic() - self._last_line >= PLAIN_LINE_EVERY_SECONDS:
            self._print_line()

    def _print_line(self) -> None:
        self._last_line = time.monotonic()
        rate = (self._done - self._start) / max(self._last_line - self._began, 1e-9)
        total = f"/{self._total}" if self._total is not None else ""
        figures = "".join(f", {name} {value}" for name, value in self._figures.items())
        line = f"{self._label}: {self._done}{total} {self._unit}, {rate:.1f} {self._unit}/s{figures}"
        print(line, file=sys.stderr, flush=True)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        elif kind is None:
            self._print_line()
