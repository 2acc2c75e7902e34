"""Duration of learning, effects of deprivation, and recovery."""

from __future__ import annotations

import numpy as np
import xarray as xr

from wakesleep.errors import InputError
from wakesleep.results.phases import hypnogram, phase_ends
from wakesleep.results.schema import ASLEEP


def nights_to(result: xr.Dataset, quantity: str, below: float) -> xr.DataArray:
    """Return after how many cycles a quantity stays below a criterion at all phase ends.

    Parameters
    ----------
    result
        A result.
    quantity
        Its name.
    below
        The criterion.

    Returns
    -------
    xarray.DataArray
        Number of the first recorded cycle (counted from 1) from which on it is below the criterion
        at the end of every phase; infinite where it never is.

    Raises
    ------
    InputError
        If the result has several blocks; choose one first.
    """
    ends = phase_ends(result)
    if len(np.unique(ends["block"].values)) > 1:
        raise InputError("nights_to: the result has several blocks, each with its own cycles")
    cycle = ends["cycle"].values
    above = (ends[quantity] >= below) | ends[quantity].isnull()
    cycles = np.unique(cycle)
    worst = xr.concat(
        [above.isel(probe=np.flatnonzero(cycle == number)).any("probe") for number in cycles],
        "cycle",
    )
    still_fails = worst.isel(cycle=slice(None, None, -1)).cumulative("cycle").max()
    good = ~still_fails.isel(cycle=slice(None, None, -1)).astype(bool)
    first = xr.DataArray(cycles + 1.0, dims="cycle").where(good).min("cycle")
    return first.fillna(np.inf)


def half_recovery(result: xr.Dataset, quantity: str) -> xr.DataArray:
    """Return after how many updates asleep half of the effect of deprivation is undone.

    The effect is the difference between the last probe of deprivation and the end of the last
    night of the cycle before the first deprived one.

    Parameters
    ----------
    result
        A result with ``deprivation`` and, after it, ``recovery`` or ``sleep``.
    quantity
        Its name.

    Returns
    -------
    xarray.DataArray
        Updates asleep since the end of deprivation, at the first probe where half is undone;
        infinite if recovery does not reach half, and NaN if there was no deprivation or it had no
        effect.
    """
    found = _deprivation(result, quantity)
    if found is None:
        return xr.full_like(result[quantity].isel(probe=0, drop=True), np.nan, float)
    before, worst, after = found
    done = worst - before
    undone = (after - before) * np.sign(done) <= abs(done) / 2  # an overshoot is more than half
    lengths = np.diff(after["step"].values, prepend=worst["step"].item())
    asleep = np.isin(after["phase"].values, ASLEEP)
    since = xr.DataArray(np.where(asleep, np.cumsum(lengths * asleep), np.inf), dims="probe")
    first = (
        since.where(undone.drop_vars(undone.coords, errors="ignore")).min("probe").fillna(np.inf)
    )
    return first.where(done != 0)


def overshoot(result: xr.Dataset, quantity: str) -> xr.DataArray:
    """Return how far a quantity goes beyond its baseline while recovering, in its own units.

    It is positive if deprivation raised the quantity and recovery lowers it below the baseline, or
    the other way round. It is 0 if recovery does not go beyond the baseline.

    Parameters
    ----------
    result
        A result with ``deprivation`` and, after it, ``recovery`` or ``sleep``.
    quantity
        Its name.
    """
    found = _deprivation(result, quantity)
    if found is None:
        return xr.full_like(result[quantity].isel(probe=0, drop=True), np.nan, float)
    before, worst, after = found
    direction = np.sign(worst - before)
    return ((before - after) * direction).max("probe").clip(min=0)


def _deprivation(
    result: xr.Dataset, quantity: str
) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray] | None:
    """Return a quantity before deprivation, at its end, and after it; None if one is not there."""
    phase = result["phase"].values.astype(str)
    lost = np.flatnonzero(phase == "deprivation")
    if not len(lost):
        return None
    values = result[quantity]
    asleep = np.flatnonzero(np.isin(phase, ASLEEP) & result["phase_end"].values)
    cycle, block = result["cycle"].values, result["block"].values
    same = (cycle == cycle[lost[0]]) & (block == block[lost[0]])  # a night cut short, for instance
    earlier = asleep[(asleep < lost[0]) & ~same[asleep]]
    if not len(earlier) or lost[-1] + 1 == len(phase):
        return None
    return (
        values.isel(probe=earlier[-1], drop=True),
        values.isel(probe=lost[-1]),
        values.isel(probe=slice(lost[-1] + 1, None)),
    )


def mean_duration(result: xr.Dataset, phase: str, block: str | None = None) -> float:
    """Return how long phases of one name last on average, in updates.

    Parameters
    ----------
    result
        A result.
    phase
        Name of the phase; ``any`` for all.
    block
        Only those of one part of the protocol.
    """
    events = hypnogram(result)
    chosen = events["phase"].values != "unrecorded"
    if phase != "any":
        chosen &= events["phase"].values == phase
    if block is not None:
        chosen &= events["block"].values == block
    lengths = (events["offset"] - events["onset"]).values[chosen]
    return float(lengths.mean()) if len(lengths) else float("nan")
