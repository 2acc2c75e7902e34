"""A progress bar on stderr, when a person is watching."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


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
    if quiet or not sys.stderr.isatty():
        yield lambda done, text: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Remaining(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task("", total=steps)
        yield lambda done, text: bar.update(task, completed=done, description=text)
