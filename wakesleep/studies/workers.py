"""Many runs at once in processes of this machine; one that fails or dies takes no other with it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wakesleep.errors import InputError, RunError
from wakesleep.runtime.progress import Lines, bars
from wakesleep.runtime.signals import STOPPING, Stopped
from wakesleep.runtime.speed import keep_freed, spin_briefly

if TYPE_CHECKING:
    import xarray as xr

    from wakesleep.studies.grid import Job

SECONDS_BETWEEN_LOOKS = 0.2
_told: Any = None  # in a worker: where it tells how far it is


@dataclass(frozen=True)
class Options:
    """How runs are made.

    Attributes
    ----------
    folder
        Where their stores lie.
    device
        ``auto``, ``cpu`` or ``cuda``.
    networks
        Keep the checkpoint of a finished run, which holds the trained network.
    """

    folder: Path
    device: str
    networks: bool


def run_all(
    jobs: Sequence[Job], options: Options, workers: int, quiet: bool
) -> tuple[dict[str, str], dict[str, xr.Dataset]]:
    """Run jobs, each going on where it was stopped.

    Parameters
    ----------
    jobs
        The runs.
    options
        How they are made.
    workers
        Number of processes.
    quiet
        Show no progress bars.

    Each worker is a pool of one process: if it dies (out of memory, killed), the pool is broken,
    the job at hand has failed, and a new pool takes the worker's place.

    Returns
    -------
    tuple
        Why some runs failed, and the results of the others, by name.

    Raises
    ------
    RunError
        If the user interrupts; the runs so far are kept.
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
    # Steps done and steps in all, of every worker; at the end, whether all are to stop.
    places = context.Array("q", 2 * workers + 1)
    threads = max(1, (os.cpu_count() or 1) // workers)

    def pool(number: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, context, _begin, (places, number, threads))

    failed: dict[str, str] = {}
    made: dict[str, xr.Dataset] = {}
    done = 0
    waiting = list(reversed(jobs))
    pools = [pool(number) for number in range(min(workers, len(jobs)))]
    at: dict[Future[str | xr.Dataset], tuple[int, Job]] = {}
    try:
        with _bars(len(pools), len(jobs), quiet) as show:
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
                    if isinstance(found, str):
                        failed[job.name] = found
                    else:
                        made[job.name] = found
                    idle.append(number)
                    done += 1
                show(done, {number: job.name for number, job in at.values()}, places[:])
    except (KeyboardInterrupt, Stopped):
        raise RunError(
            f"interrupted: {done} of {len(jobs)} runs have ended; the same command goes on"
        ) from None
    finally:
        places[2 * workers] = 1  # whoever is still running stops where it is safe
        for its in pools:
            its.shutdown(wait=True, cancel_futures=True)
    return failed, made


def _begin(places: Any, number: int, threads: int) -> None:
    """Begin the life of a worker."""
    import multiprocessing

    global _told
    _told = places, number
    for number in STOPPING:  # they are meant for the parent, which tells us by SIGTERM
        if number != signal.SIGTERM:
            signal.signal(number, signal.SIG_IGN)
    # Before torch is imported, which takes its number of threads from here.
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = os.environ.get(name) or str(threads)
    spin_briefly()
    keep_freed()
    parent = multiprocessing.parent_process()

    def follow() -> None:
        # A worker whose parent was killed ends too; its next checkpoint is what a resumption has.
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _work(job: Job, options: Options) -> str | xr.Dataset:
    """Make one run in a worker; return its result, or why it failed."""
    from wakesleep.simulation.run import run

    def tell(done: int, steps: int) -> None:
        places, number = _told
        places[2 * number], places[2 * number + 1] = done, steps
        if places[len(places) - 1]:
            os.kill(os.getpid(), signal.SIGTERM)  # the run stops where it is safe

    try:
        return run(
            job.protocol,
            job.model,
            seed=job.seed,
            device=options.device,
            out=options.folder / f"{job.name}.zarr",
            resume=True,
            progress=tell,
            network=options.networks,
        )
    except (InputError, RunError) as error:
        return str(error)
    except (Exception, SystemExit) as error:  # a model of the user's own may raise anything
        return f"{type(error).__name__}: {error}"


@contextmanager
def _bars(
    workers: int, jobs: int, quiet: bool
) -> Iterator[Callable[[int, dict[int, str], list[int]], None]]:
    """Give a function that shows runs done, and for each worker its run and how far it is."""
    if quiet:
        yield lambda done, at, places: None
        return
    if not sys.stderr.isatty():
        lines = Lines()

        def tell(done: int, at: dict[int, str], places: list[int]) -> None:
            parts = [places[2 * its] / max(places[2 * its + 1], 1) for its in at]
            share = min((done + sum(parts)) / max(jobs, 1), 1.0)
            lines.tell(share, f"{done} of {jobs} runs")

        yield tell
        return
    with bars() as shown:
        whole = shown.add_task("runs", total=jobs)
        tasks = [shown.add_task("", total=None) for _ in range(workers)]

        def show(done: int, at: dict[int, str], places: list[int]) -> None:
            shown.update(whole, completed=done)
            for number, task in enumerate(tasks):
                steps, total = places[2 * number : 2 * number + 2]
                shown.update(task, completed=steps, total=total, description=at.get(number, "-"))

        yield show
