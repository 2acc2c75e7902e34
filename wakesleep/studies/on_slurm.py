"""The executor ``slurm``: runs as job arrays, by submitit.

The jobs continue if the process that submitted them ends. The same command then finds the jobs
that are still queued or running, and waits for them instead of submitting their runs again.
"""

from __future__ import annotations

import json
import logging
import math
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from wakesleep.errors import InputError, Interrupted, RunError, one_line
from wakesleep.results.store import finished
from wakesleep.runtime.signals import Stopped
from wakesleep.studies.clusters import SlurmCluster
from wakesleep.studies.executors import Callback, How
from wakesleep.studies.shown import study_bars
from wakesleep.studies.work import Options, versions_here, work

if TYPE_CHECKING:
    from wakesleep.studies.grid import Job

SUBMITTED = "submitted.json"
SECONDS_BETWEEN_LOOKS = {"slurm": 15.0, "local": 0.5}


class Batch:
    """Runs that one job makes one after another; it is queued again if it is interrupted."""

    def __init__(self, jobs: Sequence[Job], options: Options) -> None:
        self.jobs, self.options = list(jobs), options

    def __call__(self) -> dict[str, str]:
        """Make the runs; return why some failed, by name."""
        failed = {}
        queues_again = signal.signal(signal.SIGUSR2, _stop)  # submitit's, at the time limit
        # Before a job makes room for another one, SIGTERM comes first, which submitit ignores too.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        try:
            for job in self.jobs:
                found = work(job, self.options, lambda done, steps: None)
                if isinstance(found, str):
                    failed[job.name] = found
        except Interrupted as error:
            signal.signal(signal.SIGUSR2, queues_again)
            if error.signal == signal.SIGUSR2:
                # The run has been saved. Now the signal is for submitit, which queues the job
                # again and ends the process.
                os.kill(os.getpid(), signal.SIGUSR2)
                time.sleep(60)
            raise
        return failed

    def checkpoint(self) -> Any:
        """Return the task that submitit queues again: the same runs, some of them finished."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(Batch(self.jobs, self.options))


def _stop(number: int, frame: object) -> NoReturn:
    raise Interrupted("interrupted by SIGUSR2", number)


def run_on_slurm(jobs: Sequence[Job], options: Options, how: How, ended: Callback) -> None:
    """Make runs as jobs of SLURM.

    Parameters
    ----------
    jobs, options, how, ended
        See :mod:`wakesleep.studies.executors`.

    Raises
    ------
    InputError
        If submitit is not installed, there is no SLURM, or it refuses the jobs.
    RunError
        If the process is interrupted; the jobs go on.
    """
    its: SlurmCluster = how.cluster
    folder = how.folder.resolve() / "jobs"
    executor = _executor(its, folder)
    options = replace(options, folder=options.folder.resolve(), versions=versions_here())
    by_name = {job.name: job for job in jobs}
    earlier = _still_going(folder, its)
    going = [(job, [its for its in names if its in by_name]) for job, names in earlier]
    others = [(job, names) for job, names in earlier if not set(names) & set(by_name)]
    going = [(job, names) for job, names in going if names]
    taken = {name for _, names in going for name in names}
    left = [job for job in jobs if job.name not in taken]
    size = its.runs_per_job
    if its.scheduler == "local":  # which starts all jobs at once
        size = max(size, math.ceil(len(left) / (os.cpu_count() or 1)))
    batches = [left[place : place + size] for place in range(0, len(left), size)]
    made: list[Any] = []
    try:
        if batches:
            with executor.batch():
                made = [executor.submit(Batch(batch, options)) for batch in batches]
    except Exception as error:
        raise InputError(f"cluster '{its.cluster}' refuses the jobs: {one_line(error)}") from None
    going += [(job, [its.name for its in batch]) for job, batch in zip(made, batches, strict=True)]
    _remember(folder, going + others)
    done = 0
    try:
        with study_bars(0, len(jobs), how.quiet) as show:
            while going:
                over = [(job, names) for job, names in going if _is_over(job)]
                for job, names in over:
                    failed = _failed(job, names, options.folder)
                    for name in names:
                        ended(by_name[name], failed.get(name))
                    done += len(names)
                    going.remove((job, names))
                if over:
                    _remember(folder, going + others)
                show(done, {}, [])
                if going:
                    time.sleep(SECONDS_BETWEEN_LOOKS[its.scheduler])
    except (KeyboardInterrupt, Stopped):
        raise RunError(_told(going, its)) from None


def _executor(its: SlurmCluster, folder: Path) -> Any:
    try:
        import submitit
    except ImportError:
        raise InputError(
            "--executor slurm needs the package 'submitit': pip install 'wakesleep[clusters]'"
        ) from None
    logging.getLogger("submitit").setLevel(logging.ERROR)
    try:
        executor = submitit.AutoExecutor(
            folder / "%j",
            cluster=its.scheduler,
            slurm_max_num_timeout=its.restarts,
            local_max_num_timeout=its.restarts,
        )
        executor.update_parameters(
            name=its.cluster,
            timeout_min=its.minutes,
            cpus_per_task=its.cpus,
            gpus_per_node=its.gpus,
            mem_gb=its.memory_gb,
            slurm_array_parallelism=its.at_most,
            slurm_setup=list(its.setup),
            **({} if its.partition is None else {"slurm_partition": its.partition}),
            **its.options,
        )
    except (RuntimeError, ValueError, TypeError, NameError, OSError) as error:
        raise InputError(f"cluster '{its.cluster}': {one_line(error)}") from None
    return executor


def _remember(folder: Path, going: list[tuple[Any, list[str]]]) -> None:
    """Store which jobs are queued or running, for a later process."""
    text = json.dumps([{"job": job.job_id, "runs": names} for job, names in going])
    partial = folder / f".{SUBMITTED}.{os.getpid()}"
    folder.mkdir(parents=True, exist_ok=True)
    partial.write_text(text)
    partial.replace(folder / SUBMITTED)


def _still_going(folder: Path, its: SlurmCluster) -> list[tuple[Any, list[str]]]:
    """Return the jobs of an earlier process that have not ended, with their runs."""
    try:
        kept = json.loads((folder / SUBMITTED).read_text())
    except (OSError, ValueError):
        return []
    from submitit.local.local import LocalJob
    from submitit.slurm.slurm import SlurmJob

    kind: Any = LocalJob if its.scheduler == "local" else SlurmJob
    found = []
    for told in kept:
        job = kind(folder / "%j", told["job"])
        if not _is_over(job):
            found.append((job, told["runs"]))
    return found


def _is_over(job: Any) -> bool:
    if type(job).__name__ != "LocalJob" or job._process is not None:
        return bool(job.done())
    # A job of an earlier process, whose number is that of the process that controls it.
    with suppress(OSError):
        return b"submitit" not in Path(f"/proc/{job.job_id}/cmdline").read_bytes()
    return True


def _failed(job: Any, names: list[str], folder: Path) -> dict[str, str]:
    """Return why runs of a job that has ended failed, by name."""
    try:
        found: dict[str, str] = job.results()[0]
        return found
    except Exception as error:  # it was killed, or reached its limit too often
        why = f"its job {job.job_id} ended without an outcome ({one_line(error)})"
        return {name: why for name in names if not finished(folder / f"{name}.zarr")}


def _told(going: list[tuple[Any, list[str]]], its: SlurmCluster) -> str:
    runs = sum(len(names) for _, names in going)
    first = str(going[0][0].job_id).partition("_")[0]
    stop = f"scancel {first}" if its.scheduler == "slurm" else f"kill {first}"
    return (
        f"interrupted: {len(going)} jobs with {runs} runs continue; the same command waits for "
        f"them, '{stop}' stops the first array"
    )
