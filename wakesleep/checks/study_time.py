"""Estimate of the duration of a study: some of its runs are timed for a moment."""

from __future__ import annotations

import os

import numpy as np

from wakesleep.errors import InputError
from wakesleep.studies.grid import LoadedStudy

TRIED = 8  # runs at most


def estimated_seconds(study: LoadedStudy, workers: int | None = None) -> tuple[float, int]:
    """Return about how many seconds a study takes on this machine, and how many runs were tried.

    Parameters
    ----------
    study
        The study; nothing is written.
    workers
        Number of processes; default one per core.

    The estimate is for a CPU and for all runs, including finished ones. Missing data are
    downloaded.

    Raises
    ------
    InputError
        If data are not available, or the number of processes is below one.
    """
    import torch

    if workers is not None and workers < 1:
        raise InputError(f"a study needs at least one worker, not {workers}")
    from wakesleep.checks.schedule import estimated_seconds as of_run
    from wakesleep.simulation.request import Request

    first = next(iter(study.jobs.values())).seed
    jobs = [its for its in study.jobs.values() if its.seed == first]
    chosen = np.unique(np.linspace(0, len(jobs) - 1, min(TRIED, len(jobs))).astype(int))
    one, kind = torch.device("cpu"), torch.float32
    some = [jobs[place] for place in chosen]
    tried = [of_run(Request(its.protocol, its.model, its.seed, one, kind)) for its in some]
    whole = float(np.mean(tried)) * len(study.jobs)
    processes = min(workers or os.cpu_count() or 1, len(study.jobs))
    # A run uses one process: if there are few runs, the longest one is a lower bound.
    return max(whole / processes, max(tried)), len(chosen)
