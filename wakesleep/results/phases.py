"""The phases of a run: their ends, their order, and the hypnogram they make."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from wakesleep.errors import InputError, choices
from wakesleep.results.schema import ASLEEP, counter

LONG_BLOCK = 4  # cycles above which a short table shows only the last one


def check_result(given: object) -> None:
    """Refuse anything that is not a data set, such as a path.

    Raises
    ------
    InputError
        If it is not a data set.
    """
    if not isinstance(given, xr.Dataset):
        raise InputError(
            f"a result is a data set, as wakesleep.open(PATH) returns it, not {given!r}"
        )


def run_title(result: xr.Dataset) -> str:
    """Return the title of a figure of the run: its protocol, model and seed."""
    title = str(result.attrs.get("title", ""))
    return f"{title}, seed {result.attrs['seed']}" if "seed" in result.attrs else title


def in_cycles(result: xr.Dataset, cycles: Mapping[str, int]) -> xr.Dataset:
    """Return the probes of a result that were taken in some cycles of named repeats.

    Parameters
    ----------
    result
        A result.
    cycles
        Cycle (from 0) by the name of its repeat, such as ``{"weeks": 1, "weekday": 0}``.

    Raises
    ------
    InputError
        If no repeat of the protocol is called so.
    """
    check_result(result)
    keep = np.ones(result.sizes["probe"], bool)
    for name, cycle in cycles.items():
        numbers = cycle_numbers(result, name)
        if isinstance(cycle, bool) or not isinstance(cycle, int | np.integer):
            raise InputError(f"the cycle of '{name}' must be a whole number, not {cycle!r}")
        keep &= numbers == cycle
    return result.isel(probe=keep)


def cycle_numbers(result: xr.Dataset, repeat: str) -> np.ndarray:
    """Return the cycle (from 0) of a named repeat that each probe was taken in (probe,).

    Raises
    ------
    InputError
        If no repeat of the protocol is called so.
    """
    if counter(repeat) not in result.coords:
        prefix, names = counter(""), map(str, result.coords)
        there = [its.removeprefix(prefix) for its in names if its.startswith(prefix)]
        raise InputError(f"no repeat is called '{repeat}'{choices(repeat, there, 'there are')}")
    return result[counter(repeat)].values


def ends_at(
    result: xr.Dataset, at: str = "any", block: str | None = None, cycle: int | None = None
) -> np.ndarray:
    """Return which probes end a phase of some name, block and cycle (probe,), as booleans."""
    ends = result["phase_end"].values.astype(bool)
    if at != "any":
        ends &= result["phase"].values == at
    if block is not None:
        ends &= result["block"].values == block
    if cycle is not None:
        ends &= result["cycle"].values == cycle
    return ends


def phase_ends(result: xr.Dataset) -> xr.Dataset:
    """Return the probes taken at the ends of phases, one for every completed phase.

    Parameters
    ----------
    result
        A result of :func:`wakesleep.run` or :func:`wakesleep.open`.

    Raises
    ------
    InputError
        If it is something else, such as a path.
    """
    check_result(result)
    return result.isel(probe=result["phase_end"].values)


def phase_table(result: xr.Dataset) -> xr.Dataset:
    """Return the state of the network at the end of every phase.

    Parameters
    ----------
    result
        A result.

    Returns
    -------
    xarray.Dataset
        Over ``probe``: ``error`` (also over ``readout``), ``d_prime``, ``criterion``, ``auc`` and
        ``false_positive_rate``, where they were recorded; all but the error are means over layers.
    """
    ends = phase_ends(result)
    names = ("error", "d_prime", "criterion", "auc", "false_positive_rate")
    kept = ends.drop_vars([name for name in ends.data_vars if name not in names])
    with xr.set_options(keep_attrs=True):
        means = kept.mean("layer") if "layer" in kept.dims else kept
    unused = set(means.dims) - {dim for its in means.data_vars.values() for dim in its.dims}
    return means.drop_dims(unused - {"probe"})


def shortened(table: xr.Dataset, longest: int = 16) -> xr.Dataset:
    """Return a table of at most a few rows per part of the protocol.

    Parts of more than :data:`LONG_BLOCK` cycles are shown by their last cycle; the others whole.

    Parameters
    ----------
    table
        From :func:`phase_table`.
    longest
        A table of no more rows than this is returned as it is.
    """
    if table.sizes["probe"] <= longest:
        return table
    block, cycle = table["block"].values, table["cycle"].values
    last = {its: cycle[block == its].max() for its in np.unique(block)}
    keep = [
        last[its] < LONG_BLOCK or number == last[its]
        for its, number in zip(block, cycle, strict=True)
    ]
    return table.isel(probe=keep)


def hypnogram(result: xr.Dataset) -> xr.Dataset:
    """Return the phases of a run, as events.

    Parameters
    ----------
    result
        A result.

    Returns
    -------
    xarray.Dataset
        Over ``event``, one after another without a gap: ``phase``, ``block`` and ``stage`` (words),
        ``cycle``, ``onset`` and ``offset`` (in steps). A phase that is still running ends at its
        last probe. A phase is left out if the result holds only its last moment. Cycles that the
        protocol did not record are one event, of phase ``unrecorded``.
    """
    index = result["phase_index"].values
    step = result["step"].values
    places = np.unique(index)
    last = np.array([np.flatnonzero(index == place)[-1] for place in places], dtype=int)
    offset = step[last]
    before = np.concatenate((step[:1], offset[:-1]))
    # A result of an older version has no onsets and no gaps.
    onset = result["phase_onset"].values[last] if "phase_onset" in result else before
    onset = np.maximum(onset, step[:1])  # a part of a result may begin within a phase
    names = {
        name: result[name].values[last] for name in ("phase", "block", "stage") if name in result
    }
    names.setdefault("stage", np.array([_stage(str(its)) for its in names["phase"]]))
    gaps = np.flatnonzero(onset > before)
    fill = {"phase": "unrecorded", "block": "", "stage": "UNS"}
    words = {
        name: np.insert(its.astype(f"<U{max(10, its.dtype.itemsize // 4)}"), gaps, fill[name])
        for name, its in names.items()
    }
    cycle = np.insert(result["cycle"].values[last], gaps, -1)
    offset = np.insert(offset, gaps, onset[gaps])
    onset = np.insert(onset, gaps, before[gaps])
    lasting = offset > onset
    return xr.Dataset(
        {
            "onset": ("event", onset[lasting], {"long_name": "first step", "units": "1"}),
            "offset": ("event", offset[lasting], {"long_name": "last step", "units": "1"}),
        },
        coords={
            **{name: ("event", its[lasting]) for name, its in words.items()},
            "cycle": ("event", cycle[lasting]),
        },
    )


def _stage(phase: str) -> str:
    if phase in ASLEEP:
        return "NREM"
    return "WAKE" if phase in ("wake", "deprivation") else "UNS"
