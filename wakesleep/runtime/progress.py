"""A progress bar on stderr, when a person is watching."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress


_quiet: ContextVar[bool] = ContextVar("quiet", default=False)


@contextmanager
def quietly(quiet: bool) -> Iterator[None]:
    """Show no bar at all within, if quiet; also none of what is read on the way."""
    before = _quiet.set(quiet or _quiet.get())
    try:
        yield
    finally:
        _quiet.reset(before)


@contextmanager
def progress(
    steps: int, quiet: bool, watcher: Callable[[int, int], None] | None = None
) -> Iterator[Callable[[int, str], None]]:
    """Give a function ``tell(steps so far, what is going on)``; silent in a pipe or if quiet.

    A ``watcher(steps so far, steps)`` takes the bar's place.
    """
    if watcher is not None:
        yield lambda done, text: watcher(done, steps)
        return
    if quiet or _quiet.get() or not sys.stderr.isatty():
        yield lambda done, text: None
        return
    with bars() as bar:
        task = bar.add_task("", total=steps)
        yield lambda done, text: bar.update(task, completed=done, description=text)


def bars() -> Progress:
    """Return bars that tell what is going on, how far it is, and how long it will last."""
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
