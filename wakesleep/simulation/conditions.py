"""Conditions that end a phase."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from wakesleep.protocols.pressure import process_c
from wakesleep.protocols.timetable import Entry
from wakesleep.results import schema
from wakesleep.simulation.prepare import Prepared


def holds(
    prepared: Prepared, entry: Entry, measured: Mapping[str, np.ndarray], time_h: float
) -> bool:
    """Return whether a phase's condition holds; dimensions without a selection are averaged.

    Layers that do not have the quantity (NaN) are left out of a mean.

    Parameters
    ----------
    prepared
        The run.
    entry
        A phase with a condition.
    measured
        The quantities of the probe.
    time_h
        The time on the protocol's clock, in hours.
    """
    condition = entry.until
    assert condition is not None  # else nobody asks
    for name, cycles in (condition.cycles or {}).items():
        if entry.counters.get(name) not in (cycles if isinstance(cycles, tuple) else (cycles,)):
            return False
    name = schema.variable(condition.quantity)
    values = measured[name]
    dims = prepared.quantities[name].dims
    for axis, dim in reversed(list(enumerate(dims))):
        chosen = getattr(condition, dim, None)
        values = (
            _mean(values, axis)
            if chosen is None
            else values.take(prepared.words[dim].index(chosen), axis)
        )
    swing = 0.0
    if condition.circadian:
        swing = condition.circadian * process_c(time_h, condition.acrophase_h)
    if condition.below is not None:
        return bool(values < condition.below + swing)
    assert condition.above is not None  # one of the two is given
    return bool(values > condition.above + swing)


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Return the mean of the numbers along an axis; NaN where there are none."""
    there = ~np.isnan(values)
    count = there.sum(axis)
    mean: np.ndarray = np.where(there, values, 0).sum(axis) / np.where(count, count, np.nan)
    return mean
