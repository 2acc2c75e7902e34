"""Progress on stderr: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress


FIRST_LINE = 30.0  # seconds until the first progress line if there is no terminal
LONGEST_SILENCE = 600.0

_quiet: ContextVar[bool] = ContextVar("quiet", default=False)


@contextmanager
def quietly(quiet: bool) -> Iterator[None]:
    """If quiet, show no progress within the block, including that of reading files."""
    before = _quiet.set(quiet or _quiet.get())
    try:
        yield
    finally:
        _quiet.reset(before)


@contextmanager
def progress(
    steps: int, quiet: bool, watcher: Callable[[int, int], bool | None] | None = None
) -> Iterator[Callable[[int, str], bool | None]]:
    """Yield a function ``tell(steps so far, current activity)``; it shows nothing if quiet.

    Without a terminal, lines are printed from time to time instead of a bar. A
    ``watcher(steps so far, steps)`` replaces the bar; it may return True to request a stop,
    and ``tell`` returns that value.
    """
    if watcher is not None:
        yield lambda done, text: watcher(done, steps)
        return
    if quiet or _quiet.get():
        yield lambda done, text: None
        return
    if not sys.stderr.isatty():
        lines = Lines()
        yield lambda done, text: lines.tell(done / max(steps, 1), f"{done:,} of {steps:,}", text)
        return
    with bars() as bar:
        task = bar.add_task("", total=steps)
        yield lambda done, text: bar.update(task, completed=done, description=text)


class Lines:
    """Progress lines on stderr: the first after half a minute, then at growing intervals."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._next = FIRST_LINE
        self._first: float | None = None  # the share that was done before, in a resumed run

    def tell(self, share: float, so_far: str, text: str = "") -> None:
        """Print a line if it is time for one.

        Parameters
        ----------
        share
            Share of the work that is done, from 0 to 1.
        so_far
            The same in words.
        text
            The current activity.
        """
        passed = time.monotonic() - self._begun
        if self._first is None:
            self._first = share
        if passed < self._next:
            return
        self._next = passed + min(max(passed, FIRST_LINE), LONGEST_SILENCE)
        done = share - self._first
        left = f"; about {duration(passed * (1 - share) / done)} left" if done > 0 else ""
        print(
            f"wakesleep: {so_far}{f' ({text})' if text else ''}{left}", file=sys.stderr, flush=True
        )


def duration(seconds: float) -> str:
    """Return a length of time in words."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def bars() -> Progress:
    """Return progress bars with the current activity, the progress and the remaining time."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Remaining(),
        console=Console(stderr=True),
        transient=True,
    )
