"""Executors, by name: they run the jobs of a study.

An executor is a function ``f(jobs, options, how, ended)``. It runs every job once with
:func:`wakesleep.studies.work.work`, in any order and on any machine. When a job ends, it calls
``ended(job, found)`` in the process of the study. ``found`` is the result, or the reason why the
job failed, or None if the job has finished and its store holds the result. The executor returns
when all jobs have ended. To add one, write a module with such a function and a line in
:data:`EXECUTORS`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from wakesleep.errors import InputError, choices

if TYPE_CHECKING:
    import xarray as xr

    from wakesleep.studies.grid import Job

Callback: TypeAlias = "Callable[[Job, str | xr.Dataset | None], None]"
Executor: TypeAlias = "Callable[[Sequence[Job], Any, How, Callback], None]"

# Name: the function, and what reads the file of ``--cluster`` (none where there is no such file).
EXECUTORS = {
    "local": ("wakesleep.studies.local:run_here", ""),
    "dask": ("wakesleep.studies.on_dask:run_on_dask", "wakesleep.studies.clusters:dask"),
    "slurm": ("wakesleep.studies.on_slurm:run_on_slurm", "wakesleep.studies.clusters:slurm"),
}


@dataclass(frozen=True)
class How:
    """How an executor works.

    Attributes
    ----------
    workers
        Number of processes on this machine, for ``local``.
    quiet
        Show no progress.
    folder
        The study's folder; an executor may keep files of its own in it.
    cluster
        Content of the cluster file; None if there is no file.
    """

    workers: int
    quiet: bool
    folder: Path
    cluster: Any = None


def executor(name: str) -> Executor:
    """Return an executor.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in EXECUTORS:
        raise InputError(f"there is no executor '{name}'{choices(name, EXECUTORS)}")
    found: Executor = _named(EXECUTORS[name][0])
    return found


def cluster(name: str, file: str | Path | None) -> Any:
    """Return what a file says about a cluster, checked; None for an executor that has none.

    Raises
    ------
    InputError
        If the executor has no cluster, needs one and has none, or the file is wrong.
    """
    executor(name)
    reader = EXECUTORS[name][1]
    if not reader:
        if file is not None:
            others = [its for its, (_, read) in EXECUTORS.items() if read]
            raise InputError(f"--cluster goes with --executor {' or '.join(others)}")
        return None
    return _named(reader)(file)


def _named(reference: str) -> Any:
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)
