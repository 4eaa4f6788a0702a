"""A training that is told to stop (a preempted node, Ctrl-C) first writes down what it has learned."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from detloop.errors import InterruptionError

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopRequest:
    """Whether SIGTERM or SIGINT has arrived; while one is `deferred` it waits to be asked for, else it raises at once.

    Attributes:
        signal_name: the signal that arrived, as SIGTERM; empty until then.
    """

    def __init__(self) -> None:
        self.signal_name = ""
        self._deferred = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Takes over the signals of this process; in a thread other than the main one nothing is taken over."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        earlier = {number: signal.signal(number, self._arrived) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in earlier.items():
                signal.signal(number, handler)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Inside, a signal only sets `signal_name`; a second one raises."""
        self._deferred = True
        try:
            yield
        finally:
            self._deferred = False

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Inside, where nothing would be lost, a signal raises, and so does one that arrived before."""
        self._deferred = False
        self._raise_if_requested()
        try:
            yield
        finally:
            self._deferred = True
        self._raise_if_requested()

    def _arrived(self, number: int, frame: FrameType | None) -> None:
        repeated, self.signal_name = bool(self.signal_name), signal.Signals(number).name
        if repeated or not self._deferred:
            self._raise_if_requested()

    def _raise_if_requested(self) -> None:
        if self.signal_name:
            raise InterruptionError(f"stopped by {self.signal_name}; the same command goes on from the last checkpoint")
