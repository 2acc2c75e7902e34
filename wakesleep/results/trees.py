"""Results of studies, as trees: how one is opened, and a quantity over the cycles of all runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from wakesleep.errors import InputError, choices
from wakesleep.files.documents import parse
from wakesleep.files.remote import fetched
from wakesleep.results.schema import in_words

LARGE = 2**30  # bytes


def open_study(path: str | Path) -> xr.DataTree:
    """Open the result of a study in memory; a result above 1 GiB is loaded lazily.

    Parameters
    ----------
    path
        The folder that ``wakesleep study`` wrote, or the store ``study.zarr`` in it; or the
        address of either.

    Raises
    ------
    InputError
        If there is none.
    """
    path = fetched(path)
    store = path / "study.zarr" if (path / "study.zarr").exists() else path
    try:
        tree = xr.open_datatree(store, engine="zarr", consolidated=False, chunks=None)
        if "outcomes" not in tree.children:
            raise ValueError("no outcomes")
        tree = (tree if tree.nbytes > LARGE else tree.load()).map_over_datasets(in_words)
        return in_order(tree)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        raise InputError(f"{path}: there is no result of a study, or it is damaged") from None


def in_order(tree: xr.DataTree) -> xr.DataTree:
    """Return a study's result with its outcomes as the study names them, and its runs by number.

    A folder lists its files in any order. Results of older versions do not record the order: that
    of the study file is taken, and published numbers come last.
    """
    groups = tree.to_dict()
    outcomes = groups.pop("/outcomes")
    if "outcomes" in tree.attrs:
        recorded = json.loads(tree.attrs["outcomes"])
    else:
        recorded = list(parse(str(tree.attrs["study_text"]), "study").tree["outcomes"])
    names = [name for name in recorded if name in outcomes]
    names += sorted(set(map(str, outcomes.data_vars)).difference(names))
    groups["/outcomes"] = outcomes.drop_vars(names).assign({name: outcomes[name] for name in names})
    return xr.DataTree.from_dict({path: groups[path] for path in sorted(groups, key=_number)})


def _number(path: str) -> tuple[int, str]:
    """Return a key that puts ``/runs/9999`` before ``/runs/10000``."""
    return len(path), path


def grid_of(outcomes: xr.Dataset) -> list[str]:
    """Return the dimensions of a study's grid: those of an outcome that come before ``seed``."""
    # A published number has no seed.
    dims = next(list(its.dims) for its in outcomes.data_vars.values() if "seed" in its.dims)
    return [str(name) for name in dims[: dims.index("seed")]]


def over_cycles(
    tree: xr.DataTree, quantity: str, at: str, block: str | None = None
) -> xr.DataArray:
    """Return a quantity at phase ends over the grid, ``seed`` and ``cycle`` (counted from 1).

    Parameters
    ----------
    tree
        A study's result.
    quantity
        Its name.
    at
        The phase at whose end it is taken; ``any`` for the last one of every cycle.
    block
        The part of the protocol; None for all parts, with cycles counted across them. A cycle
        without such a phase has no value.

    Raises
    ------
    InputError
        If the study kept no runs, or none has such phases.
    """
    if "runs" not in tree.children:
        raise InputError("figure of cycles: the study keeps no runs ('keep: nothing')")
    parts = []
    blocks: dict[str, None] = {}
    for run in tree["runs"].children.values():
        its = run.to_dataset()
        blocks |= dict.fromkeys(its["block"].values.tolist())
        number = _cycle_numbers(its, block)
        ends = its["phase_end"].values.astype(bool) & (number > 0)
        if at != "any":
            ends &= its["phase"].values == at
        if not ends.any() or quantity not in its:
            continue
        places = np.flatnonzero(ends)
        cycles = number[places]
        last = np.append(cycles[1:] != cycles[:-1], True)  # of several such phases in a cycle
        chosen = its[quantity].isel(probe=places[last])
        chosen = chosen.assign_coords(probe=cycles[last]).rename(probe="cycle_")
        chosen = chosen.drop_vars([n for n in chosen.coords if n not in (*chosen.dims, "seed")])
        chosen = chosen.reindex(seed=tree["outcomes"]["seed"].values)  # one may have failed
        place = json_place(its)
        parts.append(chosen.rename(cycle_="cycle").expand_dims(place))
    if not parts:
        if block is not None and block not in blocks:
            raise InputError(
                f"figure of cycles: no run has a block '{block}'"
                f"{choices(block, blocks, 'there are')}"
            )
        raise InputError(f"figure of cycles: no run has '{quantity}' at the end of '{at}'")
    named = [part.rename("v").to_dataset() for part in parts]
    return xr.combine_by_coords(named, join="outer")["v"]


def _cycle_numbers(run: xr.Dataset, block: str | None) -> np.ndarray:
    """Return the number of every probe's cycle, from 1; 0 outside of the block."""
    name, cycle = run["block"].values, run["cycle"].values
    begins = np.append(True, (name[1:] != name[:-1]) | (cycle[1:] != cycle[:-1]))
    if block is None:
        return np.cumsum(begins)
    return np.where(name == block, np.cumsum(begins & (name == block)), 0)


def json_place(run: xr.Dataset) -> dict[str, list[Any]]:
    """Return the place in the grid that a run's group says it has."""
    place: Mapping[str, Any] = json.loads(run.attrs["place"])
    return {name: [value] for name, value in place.items()}
