"""Signals that ask a process to stop: deferred to a safe point, or reported in one line."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

# A user's Ctrl-C, a polite kill, a closed terminal, and what batch systems send before they kill.
NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGXCPU", "SIGUSR1", "SIGUSR2")
STOPPING = tuple(getattr(signal, name) for name in NAMES if hasattr(signal, name))


class Stopped(BaseException):
    """A signal arrived when there was nothing to save."""


def stop_at_once() -> None:
    """Let signals that ask to stop raise :class:`Stopped`, from now on."""
    if threading.current_thread() is not threading.main_thread():
        return

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        for other in STOPPING:  # a second one must not interrupt the report of the first
            signal.signal(other, signal.SIG_IGN)
        raise Stopped(signal.Signals(number).name)

    for number in STOPPING:
        # What the caller ignores (nohup, a worker of a study) stays ignored.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, stop)


@contextmanager
def stop_signals(catch: bool) -> Iterator[list[int]]:
    """Collect signals that ask to stop in a list, which is checked where it is safe to stop.

    The second signal of a kind has its usual effect.
    """
    received: list[int] = []
    if not catch or threading.current_thread() is not threading.main_thread():
        yield received
        return
    before = {number: signal.getsignal(number) for number in STOPPING}
    before = {number: its for number, its in before.items() if its != signal.SIG_IGN}

    def note(number: int, frame: object) -> None:
        received.append(number)
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, note)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
