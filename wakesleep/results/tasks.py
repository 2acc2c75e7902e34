"""Lives with several tasks: what was learnt of each, and what was lost.

Rows are the ends of tasks in the order of the life, columns the tasks. Terms as in Lopez-Paz &
Ranzato 2017 (arXiv 1706.08840, section 2) and Chaudhry et al. 2018 (arXiv 1801.10112, section 3).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import xarray as xr

from wakesleep.errors import InputError
from wakesleep.results.phases import check_result, cycle_numbers
from wakesleep.results.schema import equal_parts


def accuracy_matrix(
    result: xr.Dataset, repeat: str, tasks: int | Sequence[Sequence[int]] | None = None
) -> xr.DataArray:
    """Return the accuracy on every task at the end of every task.

    All labels are open to the read-out at every moment (class-incremental learning).

    Parameters
    ----------
    result
        A result with ``class_error``.
    repeat
        Name of the repeat that goes through the tasks.
    tasks
        The classes of each task; or a number of equal parts of all classes. Default what the
        protocol says of the repeat.

    Returns
    -------
    xarray.DataArray
        Over ``after`` (the task that has just ended, from 0), ``task`` and ``readout``: the mean
        accuracy over a task's classes.

    Raises
    ------
    InputError
        If there is no such repeat, no ``class_error``, or no such class.
    """
    check_result(result)
    if "class_error" not in result:
        raise InputError("the result has no 'class_error'; record it, or give the protocol 'tasks'")
    cycle = cycle_numbers(result, repeat)
    ends = result["phase_end"].values.astype(bool)
    found_ends = [np.flatnonzero(ends & (cycle == its)) for its in range(cycle.max() + 1)]
    if not found_ends or not all(len(its) for its in found_ends):
        raise InputError(f"not every cycle of '{repeat}' is recorded")
    last = [int(its[-1]) for its in found_ends]
    classes = result.sizes["class"]
    count = (_stated(result, repeat) or len(last)) if tasks is None else tasks
    stated = equal_parts(classes, count) if isinstance(count, int) else count
    parts = [[int(number) for number in its] for its in stated]
    if any(not 0 <= number < classes for its in parts for number in its):
        raise InputError(f"a task names a class that is not one of 0 to {classes - 1}")
    accuracy = 1 - result["class_error"].isel(probe=last)
    columns = [accuracy.isel({"class": its}).mean("class") for its in parts]
    found = xr.concat(columns, dim="task", coords="minimal", compat="override")
    places = [its for its in found.coords if "probe" in found[its].dims]
    found = found.drop_vars(places).rename(probe="after").transpose("after", "task", ...)
    found = found.assign_coords(after=np.arange(len(last)), task=np.arange(len(parts)))
    return found.assign_attrs(long_name="accuracy", units="1").rename("accuracy")


def _stated(result: xr.Dataset, repeat: str) -> int | list[list[int]] | None:
    """Return the tasks of a repeat, as the protocol has them; None where it says nothing."""
    waiting = list(json.loads(result.attrs.get("protocol_resolved", "{}")).get("phases", []))
    while waiting:
        its = waiting.pop()
        if its.get("block") == repeat and its.get("tasks"):
            found: int | list[list[int]] = its["tasks"]
            return found
        waiting += its.get("phases", [])
    return None


def average_accuracy(matrix: xr.DataArray) -> xr.DataArray:
    """Return the mean accuracy over all tasks when the last has ended."""
    return matrix.isel(after=-1, drop=True).mean("task")


def forgetting(matrix: xr.DataArray) -> xr.DataArray:
    """Return how far accuracy on earlier tasks has fallen from its best, on average, at the end."""
    if matrix.sizes["task"] < 2:  # there is no earlier one
        return xr.full_like(matrix.isel(after=-1, task=0, drop=True), np.nan)
    earlier = matrix.isel(task=slice(0, -1))
    best = earlier.isel(after=slice(0, -1)).max("after")
    return (best - earlier.isel(after=-1, drop=True)).mean("task")


def backward_transfer(matrix: xr.DataArray) -> xr.DataArray:
    """Return what later tasks did to the accuracy on each, on average; below 0 is a loss."""
    number = matrix.sizes["task"]
    if number < 2:
        return xr.full_like(matrix.isel(after=-1, task=0, drop=True), np.nan)
    gains = [
        matrix.isel(after=-1, task=its, drop=True) - matrix.isel(after=its, task=its, drop=True)
        for its in range(number - 1)
    ]
    return sum(gains[1:], gains[0]) / len(gains)


def accuracy_of_known(matrix: xr.DataArray) -> xr.DataArray:
    """Return the mean accuracy over the tasks met so far, at the end of each (after)."""
    met = matrix["task"] <= matrix["after"]
    return matrix.where(met).mean("task")
