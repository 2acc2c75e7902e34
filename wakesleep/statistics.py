"""Numbers drawn from a result: xarray in, xarray out."""

from __future__ import annotations

import numpy as np
import xarray as xr

LONG_BLOCK = 4  # cycles above which a short table shows only the last one


def phase_ends(result: xr.Dataset) -> xr.Dataset:
    """Return the probes taken at the ends of phases, one for every phase gone through.

    Parameters
    ----------
    result
        A result of :func:`wakesleep.run` or :func:`wakesleep.open`.
    """
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
    """Return the phases a run went through, as events.

    Parameters
    ----------
    result
        A result.

    Returns
    -------
    xarray.Dataset
        Over ``event``: ``phase`` and ``block`` (words), ``cycle``, ``onset`` and ``offset`` (in
        steps). A phase that is still going on ends at its last probe; one of which only the last
        moment is in the result is left out.
    """
    index = result["phase_index"].values
    step = result["step"].values
    places = np.unique(index)
    last = np.array([np.flatnonzero(index == place)[-1] for place in places], dtype=int)
    offset = step[last]
    onset = np.concatenate((step[:1], offset[:-1]))
    lasting = offset > onset
    last, onset, offset = last[lasting], onset[lasting], offset[lasting]
    return xr.Dataset(
        {
            "onset": ("event", onset, {"long_name": "first step", "units": "1"}),
            "offset": ("event", offset, {"long_name": "last step", "units": "1"}),
        },
        coords={
            "phase": ("event", result["phase"].values[last]),
            "block": ("event", result["block"].values[last]),
            "cycle": ("event", result["cycle"].values[last]),
        },
    )
