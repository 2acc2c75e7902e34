"""Results of studies, as trees: a quantity over the cycles of all runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from wakesleep.errors import InputError

if TYPE_CHECKING:
    pass


def over_cycles(tree: xr.DataTree, quantity: str, at: str) -> xr.DataArray:
    """Return a quantity at phase ends over the grid, ``seed`` and ``cycle`` (counted from 1).

    Of a protocol in several parts, the first one that has such phases is taken.

    Raises
    ------
    InputError
        If the study kept no runs.
    """
    if "runs" not in tree.children:
        raise InputError("figure of cycles: the study keeps no runs ('keep: nothing')")
    parts = []
    for run in tree["runs"].children.values():
        its = run.to_dataset()
        ends = its["phase_end"].values.astype(bool)
        if at != "any":
            ends &= its["phase"].values == at
        if not ends.any() or quantity not in its:
            continue
        block = its["block"].values
        ends &= block == block[ends.argmax()]  # each part of a protocol counts its own cycles
        places = np.flatnonzero(ends)
        cycles = its["cycle"].values[places]
        last = np.append(cycles[1:] != cycles[:-1], True)  # of several such phases in a cycle
        chosen = its[quantity].isel(probe=places[last])
        chosen = chosen.assign_coords(probe=chosen["cycle"].values + 1).rename(probe="cycle_")
        chosen = chosen.drop_vars([n for n in chosen.coords if n not in (*chosen.dims, "seed")])
        chosen = chosen.reindex(seed=tree["outcomes"]["seed"].values)  # one may have failed
        place = json_place(its)
        parts.append(chosen.rename(cycle_="cycle").expand_dims(place))
    if not parts:
        raise InputError(f"figure of cycles: no run has '{quantity}' at the end of '{at}'")
    named = [part.rename("v").to_dataset() for part in parts]
    return xr.combine_by_coords(named, join="outer")["v"]


def json_place(run: xr.Dataset) -> dict[str, list[Any]]:
    """Return the place in the grid that a run's group says it has."""
    import json

    place: Mapping[str, Any] = json.loads(run.attrs["place"])
    return {name: [value] for name, value in place.items()}
