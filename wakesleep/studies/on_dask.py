"""The executor ``dask``: runs on the workers of a dask scheduler."""

from __future__ import annotations

import importlib
import logging
import secrets
import shutil
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wakesleep.errors import InputError, Interrupted, RunError, one_line
from wakesleep.studies.clusters import QUEUES, DaskCluster
from wakesleep.studies.executors import Callback, How
from wakesleep.studies.shown import study_bars
from wakesleep.studies.work import Options, versions_here, work

if TYPE_CHECKING:
    import xarray as xr

    from wakesleep.studies.grid import Job

SECONDS_TO_CONNECT = 10.0
SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_BETWEEN_QUESTIONS = 2.0  # interval at which a worker asks whether to stop
AHEAD = 2  # jobs submitted per worker: few, so that the scheduler needs little memory
FEWEST_AHEAD = 8
LOST = "the scheduler was lost; the runs so far are kept, and the same command continues"


def run_on_dask(jobs: Sequence[Job], options: Options, how: How, ended: Callback) -> None:
    """Make runs on the workers of a dask scheduler.

    If a worker is lost, its run continues from its checkpoint on another worker. The folder of the
    study must be the same for this process and all workers.

    Parameters
    ----------
    jobs, options, how, ended
        See :mod:`wakesleep.studies.executors`.

    Raises
    ------
    InputError
        If dask is not installed, there is no scheduler, or workers do not fit.
    RunError
        If the scheduler is lost.
    """
    its: DaskCluster = how.cluster
    options = replace(options, folder=options.folder.resolve(), versions=versions_here())
    session = secrets.token_hex(4)
    with _client(its, how.quiet) as client:
        _check_workers(client, its)
        from distributed import Event
        from distributed.comm.core import CommClosedError

        stop = Event(f"wakesleep-stop-{session}", client=client)
        waiting = deque(jobs)
        at: dict[Any, Job] = {}
        done = 0
        try:
            with study_bars(0, len(jobs), how.quiet) as show:
                while waiting or at:
                    while waiting and len(at) < _window(client):
                        job = waiting.popleft()
                        future = client.submit(
                            _work,
                            job,
                            options,
                            session,
                            key=f"{job.name}-{session}",
                            pure=False,
                        )
                        at[future] = job
                    for future in _finished(client, list(at)):
                        job = at.pop(future)
                        ended(job, _found(client, future))
                        done += 1
                    show(done, {}, [])
        except CommClosedError:
            raise RunError(LOST) from None
        except BaseException as error:
            if isinstance(error, OSError) and client.status != "running":
                raise RunError(LOST) from None
            with suppress(Exception):
                stop.set()  # those that are running stop where it is safe
                client.cancel(list(at), force=True)
            raise


def _window(client: Any) -> int:
    return max(FEWEST_AHEAD, AHEAD * len(client.scheduler_info(n_workers=-1)["workers"]))


def _finished(client: Any, futures: list[Any]) -> list[Any]:
    """Wait a moment; return which futures have ended.

    Raises
    ------
    RunError
        If the scheduler is lost.
    """
    from distributed import wait

    try:
        wait(futures, timeout=SECONDS_BETWEEN_LOOKS, return_when="FIRST_COMPLETED")
    except TimeoutError:
        pass
    except CancelledError:
        raise RunError(LOST) from None
    _check_connection(client)
    return [its for its in futures if its.done()]


def _check_connection(client: Any) -> None:
    if client.status != "running":
        raise RunError(LOST)


def _found(client: Any, future: Any) -> str | xr.Dataset | None:
    """Return the outcome of a job.

    Raises
    ------
    RunError
        If it has no outcome because the scheduler is lost.
    """
    from distributed import KilledWorker

    try:
        found: str | xr.Dataset = future.result()
        return found
    except KilledWorker as error:
        return f"its worker died, {error.allowed_failures + 1} times (out of memory, or killed)"
    except Exception as error:
        if future.status in ("cancelled", "lost"):
            raise RunError(LOST) from None
        _check_connection(client)
        return f"{type(error).__name__}: {error}"


def _work(job: Job, options: Options, session: str) -> str | xr.Dataset:
    """Make one run on a worker; return its result, or why it failed."""
    from distributed import Event, get_client, get_worker

    if get_worker().state.nthreads > 1:  # one that came after the check
        return f"its worker had {get_worker().state.nthreads} threads; give each --nthreads 1"
    stop = Event(f"wakesleep-stop-{session}", client=get_client())
    asked = time.monotonic()

    def tell(done: int, steps: int) -> bool:
        nonlocal asked
        if time.monotonic() - asked < SECONDS_BETWEEN_QUESTIONS:
            return False
        asked = time.monotonic()
        with suppress(Exception):  # a scheduler that is busy or gone
            return bool(stop.is_set())
        return False

    try:
        return work(job, options, tell)
    except Interrupted as error:
        return str(error)


@contextmanager
def _client(its: DaskCluster, quiet: bool) -> Iterator[Any]:
    """Yield a client of the scheduler; a scheduler that was started for the study is closed.

    Raises
    ------
    InputError
        If dask is not installed, there is no scheduler, or it cannot be started.
    """
    try:
        import distributed
    except ImportError:
        raise InputError(
            "--executor dask needs the package 'distributed': pip install 'wakesleep[clusters]'"
        ) from None
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("distributed"):  # lost connections are reported in one line here
            logging.getLogger(name).setLevel(logging.CRITICAL)
    if "://" in its.scheduler:
        try:
            client = distributed.Client(its.scheduler, timeout=SECONDS_TO_CONNECT)
        except (OSError, ValueError, RuntimeError, TypeError) as error:
            raise InputError(
                f"there is no dask scheduler at {its.scheduler} ({one_line(error)})"
            ) from None
        with client:
            yield client
        return
    import dask

    # How many workers a run may lose. A scheduler of the user's own has its own number.
    dask.config.set({"distributed.scheduler.allowed-failures": its.retries})
    with _started(its) as cluster, distributed.Client(cluster) as client:
        if not quiet:
            print(f"dashboard: {client.dashboard_link}", file=sys.stderr)
        yield client


def _started(its: DaskCluster) -> Any:
    """Start a scheduler and its workers, each with one thread.

    Raises
    ------
    InputError
        If an option is wrong, or the package that starts them is not installed.
    """
    what = f"cluster '{its.cluster}'"
    queue = its.scheduler in QUEUES
    try:
        started_by = importlib.import_module("dask_jobqueue" if queue else "distributed")
        kind = getattr(started_by, f"{its.scheduler.upper()}Cluster" if queue else "LocalCluster")
    except ImportError:
        raise InputError(
            f"{what} needs the package 'dask-jobqueue': pip install 'wakesleep[clusters]'"
        ) from None
    given: dict[str, Any]
    if queue:
        submit = kind.job_cls.submit_command.split()[0]
        if shutil.which(submit) is None:
            raise InputError(f"{what}: the command '{submit}' is not found on this machine")
        given = {"cores": 1, "processes": 1, "memory": "4GB"}
    else:
        given = {
            "n_workers": its.workers,
            "threads_per_worker": 1,
            "processes": True,
            "dashboard_address": ":0",
            "silence_logs": logging.CRITICAL,  # a lost worker is reported in one line here
        }
    try:
        cluster = kind(**{**given, **its.options})
        if queue:
            cluster.scale(jobs=its.workers)
        return cluster
    except (TypeError, ValueError, OSError, RuntimeError) as error:
        raise InputError(
            f"{what} cannot be started (are its 'options' right?): {one_line(error)}"
        ) from None


def _check_workers(client: Any, its: DaskCluster) -> None:
    """Refuse workers that would compute other numbers, or make several runs in one process.

    Raises
    ------
    InputError
        If one has several threads, lacks the package, or has another version of it.
    """
    workers = client.scheduler_info(n_workers=-1)["workers"]
    for address, told in workers.items():
        if told["nthreads"] > 1:
            raise InputError(
                f"the worker at {address} has {told['nthreads']} threads, and a run needs a "
                "process of its own; start workers by 'dask worker --nthreads 1'"
            )
    wanted = versions_here()
    try:
        found = client.run(versions_here) if workers else {}
    except Exception as error:
        raise InputError(f"a worker cannot use wakesleep: {one_line(error)}") from None
    for address, here in found.items():
        other = [
            f"{name} {here.get(name, 'missing')} (here {version})"
            for name, version in wanted.items()
            if here.get(name) != version
        ]
        if other:
            raise InputError(f"the worker at {address} has {', '.join(other)}")
