"""What people see while a study runs: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from wakesleep.runtime.progress import Lines, bars


@contextmanager
def study_bars(
    workers: int, jobs: int, quiet: bool
) -> Iterator[Callable[[int, Mapping[int, str], list[int]], None]]:
    """Yield a function that shows the finished runs, and the run and progress of each worker."""
    if quiet:
        yield lambda done, at, places: None
        return
    if not sys.stderr.isatty():
        lines = Lines()

        def tell(done: int, at: Mapping[int, str], places: list[int]) -> None:
            parts = [places[2 * its] / max(places[2 * its + 1], 1) for its in at]
            share = min((done + sum(parts)) / max(jobs, 1), 1.0)
            lines.tell(share, f"{done} of {jobs} runs")

        yield tell
        return
    with bars() as shown:
        whole = shown.add_task("runs", total=jobs)
        tasks = [shown.add_task("", total=None) for _ in range(workers)]

        def show(done: int, at: Mapping[int, str], places: list[int]) -> None:
            shown.update(whole, completed=done)
            for number, task in enumerate(tasks):
                steps, total = places[2 * number : 2 * number + 2]
                shown.update(task, completed=steps, total=total, description=at.get(number, "-"))

        yield show
