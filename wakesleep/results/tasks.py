"""Runs with several tasks: what was learnt of each task, and what was forgotten.

Rows are the ends of tasks in order of time, columns the tasks. Terms as in Lopez-Paz &
Ranzato 2017 (arXiv 1706.08840, section 2) and Chaudhry et al. 2018 (arXiv 1801.10112, section 3).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from wakesleep.errors import InputError
from wakesleep.results.phases import check_result, cycle_numbers
from wakesleep.results.schema import counter, equal_parts, view_name


def accuracy_matrix(
    result: xr.Dataset, repeat: str, tasks: int | Sequence[Sequence[int]] | None = None
) -> xr.DataArray:
    """Return the accuracy on every task at the end of every task.

    The read-out can choose among all labels at any time (class-incremental learning).

    Parameters
    ----------
    result
        A result with ``class_error``, or with ``view_error`` where tasks change images.
    repeat
        Name of the repeat that goes through the tasks.
    tasks
        The classes of each task; or a number of equal parts of all classes. Default the tasks that
        the protocol gives for the repeat.

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
    stated = _stated(result, repeat) if tasks is None else tasks
    views = _views(stated)
    if views and "view_error" not in result:
        raise InputError("the result has no 'view_error'; record it")
    if not views and "class_error" not in result:
        raise InputError("the result has no 'class_error'; record it, or give the protocol 'tasks'")
    cycle = cycle_numbers(result, repeat)
    ends = result["phase_end"].values.astype(bool)
    found_ends = [np.flatnonzero(ends & (cycle == its)) for its in range(cycle.max() + 1)]
    if not found_ends or not all(len(its) for its in found_ends):
        raise InputError(f"not every cycle of '{repeat}' is recorded")
    last = [int(its[-1]) for its in found_ends]
    at_ends = result.isel(probe=last)
    columns = [1 - its for its in _errors_of_tasks(at_ends, stated or len(last))]
    found = xr.concat(columns, dim="task", coords="minimal", compat="override")
    places = [its for its in found.coords if "probe" in found[its].dims]
    found = found.drop_vars(places).rename(probe="after").transpose("after", "task", ...)
    found = found.assign_coords(after=np.arange(len(last)), task=np.arange(len(columns)))
    return found.assign_attrs(long_name="accuracy", units="1").rename("accuracy")


def _errors_of_tasks(result: xr.Dataset, stated: int | Sequence[Any]) -> list[xr.DataArray]:
    """Return the error on each task (probe, readout)."""
    views = _views(stated)
    if views:
        return [result["view_error"].sel(view=its, drop=True) for its in views]
    classes = result.sizes["class"]
    parts = equal_parts(classes, stated) if isinstance(stated, int) else stated
    named = [[int(number) for number in its] for its in parts]
    if any(not 0 <= number < classes for its in named for number in its):
        raise InputError(f"a task names a class that is not one of 0 to {classes - 1}")
    return [result["class_error"].isel({"class": its}).mean("class") for its in named]


def _views(stated: int | Sequence[Any] | None) -> list[str]:
    """Return the names of the views of tasks; none where tasks are classes."""
    if stated is None or isinstance(stated, int) or not stated:
        return []
    if not all(isinstance(its, Mapping) for its in stated):
        if any(isinstance(its, Mapping) for its in stated):
            raise InputError("some tasks have classes and others changed images: no one matrix")
        return []
    return [
        view_name(its.get("rotate", 0.0), its.get("permute", 0), its.get("data") or "")
        for its in stated
    ]


def savings(
    result: xr.Dataset, repeat: str, below: float, first: int = 0, again: int = -1
) -> xr.DataArray:
    """Return the fraction of updates that is saved when a task is learnt a second time.

    Ebbinghaus 1885 (Ueber das Gedaechtnis, chapter 5): material that seems forgotten is
    relearnt faster. 1 means no updates, 0 as many as the first time, and a negative value more.
    Updates of all phases count, including sleep, up to the first probe with an error below the
    bound.

    Parameters
    ----------
    result
        A result whose probes within the tasks are recorded, as ``record: {cycles: ...}`` does.
    repeat
        Name of the repeat that goes through the tasks.
    below
        The error on the task, averaged over its classes, at which it counts as learnt.
    first, again
        The cycle (from 0; -1 is the last) in which the task is learnt, and learnt again.

    Returns
    -------
    xarray.DataArray
        Over ``readout``; NaN where the error does not fall below the bound in both cycles, or was
        below it before the task was learnt for the first time.

    Raises
    ------
    InputError
        If the cycles have different tasks, or are not there.
    """
    check_result(result)
    if not 0 < below <= 1:
        raise InputError(f"below is an error from 0 to 1, not {below:g}")
    stated = _stated(result, repeat)
    cycle = cycle_numbers(result, repeat)
    count = int(cycle.max()) + 1
    chosen = [number % count if -count <= number < count else count for number in (first, again)]
    if max(chosen) >= count:
        raise InputError(f"'{repeat}' has the cycles 0 to {count - 1}, not {first} and {again}")
    if chosen[0] == chosen[1]:
        raise InputError(f"first and again are both cycle {chosen[0]} of '{repeat}'")
    if not isinstance(stated, list) or stated[chosen[0]] != stated[chosen[1]]:
        raise InputError(
            f"cycles {chosen[0]} and {chosen[1]} of '{repeat}' have different tasks; savings are "
            "of a task that is learnt twice"
        )
    error = _errors_of_tasks(result, stated)[chosen[0]]
    updates = [_updates_to(result, error, cycle == its, below) for its in chosen]
    found = 1 - updates[1] / updates[0].where(updates[0] > 0)
    return found.rename("savings").assign_attrs(long_name="updates saved on relearning", units="1")


def _updates_to(
    result: xr.Dataset, error: xr.DataArray, within: np.ndarray, below: float
) -> xr.DataArray:
    """Return after how many updates of some probes the error is below a bound (readout)."""
    places = np.flatnonzero(within)
    if places[0] > 0:  # the probe before the cycle is its beginning
        places = np.append(places[0] - 1, places)
    steps = result["step"].values[places] - result["step"].values[places[0]]
    its = error.isel(probe=places).transpose("readout", "probe")
    reached = its.values < below
    values = np.where(reached.any(1), steps[reached.argmax(1)], np.nan).astype(float)
    return xr.DataArray(values, {"readout": its["readout"].values}, "readout")


def task_numbers(result: xr.Dataset) -> np.ndarray | None:
    """Return the task (from 0) of each probe (probe,); None where the protocol has no tasks."""
    prefix = counter("")
    for name in map(str, result.coords):
        repeat = name.removeprefix(prefix)
        if name.startswith(prefix) and _stated(result, repeat):
            return cycle_numbers(result, repeat)
    return None


def _stated(result: xr.Dataset, repeat: str) -> int | list[Any] | None:
    """Return the tasks of a repeat from the protocol; None if it has none."""
    waiting = list(json.loads(result.attrs.get("protocol_resolved", "{}")).get("phases", []))
    while waiting:
        its = waiting.pop()
        if its.get("block") == repeat and its.get("tasks"):
            found: int | list[Any] = its["tasks"]
            return found
        waiting += its.get("phases", [])
    return None


def average_accuracy(matrix: xr.DataArray) -> xr.DataArray:
    """Return the mean accuracy over all tasks at the end of the last one."""
    return matrix.isel(after=-1, drop=True).mean("task")


def forgetting(matrix: xr.DataArray) -> xr.DataArray:
    """Return how far accuracy on earlier tasks has fallen from its best, on average, at the end."""
    if matrix.sizes["task"] < 2:  # there is no earlier one
        return xr.full_like(matrix.isel(after=-1, task=0, drop=True), np.nan)
    earlier = matrix.isel(task=slice(0, -1))
    best = earlier.isel(after=slice(0, -1)).max("after")
    return (best - earlier.isel(after=-1, drop=True)).mean("task")


def backward_transfer(matrix: xr.DataArray) -> xr.DataArray:
    """Return the mean change of the accuracy on a task by later tasks; below 0 is a loss."""
    number = matrix.sizes["task"]
    if number < 2:
        return xr.full_like(matrix.isel(after=-1, task=0, drop=True), np.nan)
    gains = [
        matrix.isel(after=-1, task=its, drop=True) - matrix.isel(after=its, task=its, drop=True)
        for its in range(number - 1)
    ]
    return sum(gains[1:], gains[0]) / len(gains)


def accuracy_of_known(matrix: xr.DataArray) -> xr.DataArray:
    """Return the mean accuracy over the tasks seen so far, at the end of each (after)."""
    met = matrix["task"] <= matrix["after"]
    return matrix.where(met).mean("task")
