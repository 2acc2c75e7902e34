"""The executor ``local``: processes on this machine. A failed run does not stop the others."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any

from wakesleep.errors import InputError, Interrupted
from wakesleep.runtime.signals import STOPPING
from wakesleep.runtime.speed import keep_freed, spin_briefly
from wakesleep.studies.executors import Callback, How
from wakesleep.studies.shown import study_bars
from wakesleep.studies.work import Options, work

if TYPE_CHECKING:
    import xarray as xr

    from wakesleep.studies.grid import Job

SECONDS_BETWEEN_LOOKS = 0.2
_told: Any = None  # in a worker: where it writes its progress


def run_here(jobs: Sequence[Job], options: Options, how: How, ended: Callback) -> None:
    """Make runs in processes of this machine.

    Each worker is a pool of one process. If it dies (out of memory, killed), the pool is broken,
    its current job has failed, and a new pool replaces it.

    Parameters
    ----------
    jobs, options, how, ended
        See :mod:`wakesleep.studies.executors`.

    Raises
    ------
    InputError
        If it is called in a process that was itself started by a study.
    """
    import multiprocessing

    if multiprocessing.parent_process() is not None:
        raise InputError(
            "a study starts processes of its own: in a script, call it under "
            "if __name__ == '__main__'"
        )
    context = multiprocessing.get_context("spawn")
    workers = min(how.workers, len(jobs))
    # Steps done and steps in all, of every worker; at the end, whether all are to stop.
    places = context.RawArray("q", 2 * workers + 1)  # no lock, which a killed worker could hold
    threads = max(1, (os.cpu_count() or 1) // workers)

    def pool(number: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, context, _begin, (places, number, threads))

    done = 0
    waiting = list(reversed(jobs))
    pools = [pool(number) for number in range(workers)]
    at: dict[Future[str | xr.Dataset], tuple[int, Job]] = {}
    try:
        with study_bars(len(pools), len(jobs), how.quiet) as show:
            idle = list(range(len(pools)))
            while waiting or at:
                while waiting and idle:
                    number, job = idle.pop(), waiting.pop()
                    try:
                        future = pools[number].submit(_work, job, options)
                    except BrokenProcessPool:  # it died between two jobs
                        pools[number] = pool(number)
                        future = pools[number].submit(_work, job, options)
                    at[future] = number, job
                finished, _ = wait(at, SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED)
                for future in finished:
                    number, job = at.pop(future)
                    try:
                        found = future.result()
                    except BrokenProcessPool:
                        found = "its process died (out of memory, or killed)"
                        pools[number] = pool(number)
                    ended(job, found)
                    idle.append(number)
                    done += 1
                show(done, {number: job.name for number, job in at.values()}, places[:])
    finally:
        places[2 * workers] = 1  # workers that still run stop at a safe point
        for its in pools:
            its.shutdown(wait=True, cancel_futures=True)


def _begin(places: Any, number: int, threads: int) -> None:
    """Initialise a worker process."""
    import multiprocessing

    global _told
    _told = places, number
    for number in STOPPING:  # these are for the parent, which sends SIGTERM to its workers
        if number != signal.SIGTERM:
            signal.signal(number, signal.SIG_IGN)
    # Before torch is imported, which takes its number of threads from here.
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
    # A number set for one of them holds for both: other threads round differently.
    wanted = next((os.environ[name] for name in names if os.environ.get(name)), str(threads))
    for name in names:
        os.environ[name] = os.environ.get(name) or wanted
    spin_briefly()
    keep_freed()
    parent = multiprocessing.parent_process()

    def follow() -> None:
        # A worker whose parent was killed ends too; a resumed run uses its next checkpoint.
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _work(job: Job, options: Options) -> str | xr.Dataset:
    """Make one run in a worker; return its result, or why it failed."""

    def tell(done: int, steps: int) -> bool:
        places, number = _told
        places[2 * number], places[2 * number + 1] = done, steps
        return bool(places[len(places) - 1])

    try:
        return work(job, options, tell)
    except Interrupted as error:
        return str(error)
