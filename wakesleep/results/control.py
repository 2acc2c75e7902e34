"""Effects of deprivation, compared with a control at the same time of day.

A network that sleeps changes with the time of day: its criterion falls while it is awake and rises
while it sleeps. A comparison of morning and evening shows this daily change even if no sleep was
lost.
"""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from wakesleep.errors import InputError, choices
from wakesleep.results.phases import check_result, ends_at


def against_control(
    deprived: xr.Dataset,
    control: xr.Dataset,
    at: str = "wake",
    block: str = "recovery",
    cycle: int = 0,
) -> xr.Dataset:
    """Return how a deprived network differs from its control at the end of the same phase.

    Parameters
    ----------
    deprived, control
        Results of one protocol with the same seed or seeds; the control loses no sleep.
    at, block, cycle
        The phase that both have, such as the first day after the lost nights (the default).

    Returns
    -------
    xarray.Dataset
        Deprived minus control, for every quantity that is recorded at probes. ``criterion``
        measures the bias towards "real"; ``d_prime`` and ``auc`` measure how well real and
        negative cases are distinguished; false positives depend on both.

    Raises
    ------
    InputError
        If one of them has no such phase, if it ends at another time of day, or if seeds differ.
    """
    for its in (deprived, control):
        check_result(its)
    ends = [_end(deprived, at, block, cycle), _end(control, at, block, cycle)]
    seeds = [np.atleast_1d(_seed(its)).tolist() for its in (deprived, control)]
    if seeds[0] != seeds[1]:
        raise InputError(f"the control has seeds {seeds[1]}, the deprived network {seeds[0]}")
    hours = [float(its["time_h"]) % _day(its) for its in ends]
    day = _day(control)
    if abs((hours[0] - hours[1] + day / 2) % day - day / 2) > 0.01:  # modulo one day
        raise InputError(
            f"'{at}' of '{block}' ends at {hours[0]:.2f} h, and in the control at {hours[1]:.2f} h"
        )
    quantities = [
        name
        for name, its in deprived.data_vars.items()
        if "probe" in its.dims and name in control and its.dtype.kind == "f"
    ]
    places = ("step", "time_h", "phase_index", "phase_onset")
    one, other = (its[quantities].drop_vars(places, errors="ignore") for its in ends)
    return one - other


def _end(result: xr.Dataset, at: str, block: str, cycle: int) -> xr.Dataset:
    there = ends_at(result, at, block, cycle)
    if not there.any():
        blocks = dict.fromkeys(result["block"].values.tolist())
        raise InputError(
            f"no '{at}' ends in cycle {cycle} of block '{block}'"
            f"{choices(block, blocks, 'there are')}"
        )
    return result.isel(probe=int(np.flatnonzero(there)[-1]))


def _seed(result: xr.Dataset) -> np.ndarray:
    return result["seed"].values if "seed" in result.coords else np.array(result.attrs.get("seed"))


def _day(result: xr.Dataset) -> float:
    clock = json.loads(result.attrs.get("protocol_resolved", "{}")).get("clock") or {}
    return float(clock.get("day_h", 24.0))
