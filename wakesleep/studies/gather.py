"""From the runs of a study to one labelled tree: outcomes over the grid, and the runs."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from wakesleep.errors import InputError, listed
from wakesleep.files import references
from wakesleep.results import phases, recovery
from wakesleep.results.phases import in_cycles
from wakesleep.results.provenance import git_commit, now, versions
from wakesleep.results.schema import QUANTITIES, as_flags, counter, variable
from wakesleep.results.store import open_result, unfinished
from wakesleep.results.trees import open_study
from wakesleep.studies.grid import LoadedStudy
from wakesleep.studies.spec import FINAL, Outcome, Published, dimension


def import_code(study: LoadedStudy) -> None:
    """Import the user's statistics and figures before any run starts.

    Raises
    ------
    InputError
        If one cannot be imported, or is not a function.
    """
    wanted = [("statistic", "statistics", its.statistic) for its in study.spec.outcomes.values()]
    wanted += [("figure", "figures", its.figure) for its in study.spec.figures]
    for what, group, name in wanted:
        target = references.installed(group).get(name, name)
        if references.is_reference(target) and not callable(references.own(target, what)):
            raise InputError(f"{what} '{name}' is not a function")


def gather(
    study: LoadedStudy,
    folder: Path,
    store: Path,
    failed: Mapping[str, str],
    made: Mapping[str, xr.Dataset] | None = None,
) -> xr.DataTree:
    """Read all runs of a study, and write its result as a Zarr store in place of an older one.

    Runs are read and written one place in the grid after another: not all are in memory at once.

    Parameters
    ----------
    study
        The study.
    folder
        Folder of its runs.
    store
        Store to write.
    failed
        Reasons why runs failed, by name; their outcomes are NaN.
    made
        Results that are already in memory, by name.

    Returns
    -------
    xarray.DataTree
        As :func:`~wakesleep.results.trees.open_study` reads it. ``/`` describes the study;
        ``/outcomes`` holds every outcome over the grid and ``seed``; ``/runs`` one group for every
        place in the grid (its attribute ``place`` says which), over ``seed`` and ``probe``, where
        the study keeps them.
    """
    spec, failed, made = study.spec, dict(failed), made or {}
    partial = unfinished(store)
    found: dict[str, dict[str, xr.DataArray]] = {}

    def opened(name: str) -> xr.Dataset | None:
        if name in failed:
            return None
        if name in made:
            return made[name]
        store = folder / f"{name}.zarr"
        if not store.exists():
            failed[name] = "it has not begun"
            return None
        try:
            result = open_result(store)
        except InputError as error:  # its store was damaged after its end
            failed[name] = str(error)
            return None
        if result.attrs["status"] != "finished":
            failed[name] = f"it has not ended ({result.attrs['status']})"
            return None
        return result

    for number, place in enumerate(sorted({place[:-1] for place in study.grid})):
        names = [study.grid[(*place, n)] for n in range(len(spec.seed_list))]
        there = []
        for name in names:
            if spec.keep == "nothing" and name in found:
                continue
            result = opened(name)
            if result is None:
                continue
            there.append(result)
            if name not in found:
                found[name] = {label: outcome(result, its) for label, its in spec.outcomes.items()}
        if there and spec.keep != "nothing":
            where = {
                dim: values[index]
                for (dim, values), index in zip(spec.dims.items(), place, strict=True)
            }
            cell = together(there, spec.keep).assign_attrs(place=json.dumps(where))
            _write(cell, partial, f"runs/{number:04d}")
    for label in spec.outcomes:
        if found and not any(bool(its[label].notnull().any()) for its in found.values()):
            warnings.warn(
                f"study '{spec.study}': outcome '{label}' ({_asked(spec.outcomes[label])}) has no "
                "value in any run",
                stacklevel=2,
            )
    outcomes = over_grid(study, found)
    root = xr.Dataset(
        attrs={
            "outcomes": json.dumps(list(outcomes.data_vars)),  # a store does not keep their order
            "title": spec.study,
            "description": spec.description,
            "study_text": study.document.text,
            "failed": json.dumps(dict(failed)),
            "versions": json.dumps(versions()),
            "git_commit": git_commit(),
            "gathered": now(),
        }
    )
    _write(root, partial, "/")
    _write(outcomes, partial, "outcomes")
    shutil.rmtree(store, ignore_errors=True)
    partial.rename(store)
    return open_study(store)


def _write(dataset: xr.Dataset, store: Path, group: str) -> None:
    coded = as_flags(dataset)
    coded.to_zarr(store, group=group, mode="a", zarr_format=3, consolidated=False)


def outcome(result: xr.Dataset, its: Outcome) -> xr.DataArray:
    """Return one outcome of one run; NaN if the run has no such phase.

    Parameters
    ----------
    result
        A result.
    its
        The outcome to compute.
    """
    quantity = variable(its.quantity)
    if its.quantity == "wall_seconds":
        return xr.DataArray(float(result.attrs.get("wall_seconds", np.nan)))
    if quantity not in result:
        return xr.DataArray(np.nan)
    chosen = {
        name: getattr(its, name)
        for name in ("layer", "readout", "sign")
        if getattr(its, name) is not None and name in result[quantity].dims
    }
    for name, label in chosen.items():
        if label not in result[name].values:  # this model has no such layer or read-out
            return xr.DataArray(np.nan)
    if any(counter(name) not in result.coords for name in its.cycles or {}):
        return xr.DataArray(np.nan)  # this protocol has no such repeat
    result = result.sel(chosen)
    if its.quantity in FINAL:
        return result[quantity].reset_coords(drop=True)
    part = in_cycles(result, its.cycles or {})
    if not part.sizes["probe"]:  # this run has no such cycle
        first = result[quantity].isel(probe=0, drop=True)
        return xr.full_like(first, np.nan, float).reset_coords(drop=True)
    result = part
    match its.statistic:
        case "nights_to":
            assert its.below is not None
            block = its.block or str(result["block"].values[0])
            part = _where(result, result["block"] == block)
            value = recovery.nights_to(part, quantity, its.below)
        case "half_recovery":
            value = recovery.half_recovery(result, quantity)
        case "overshoot":
            value = recovery.overshoot(result, quantity)
        case "mean_duration":
            value = xr.DataArray(recovery.mean_duration(result, its.at, its.block))
        case "value":
            value = _value(result, its)
        case _:
            value = _own(result, its)
    return value.reset_coords(drop=True)


def _own(result: xr.Dataset, its: Outcome) -> xr.DataArray:
    """Return a user-defined statistic: ``f(result, quantity, **arguments)``, one number or more.

    Raises
    ------
    InputError
        If the code cannot be imported, or raises.
    """
    target = references.installed("statistics").get(its.statistic, its.statistic)
    function = references.own(target, "statistic")
    try:
        value = function(result, variable(its.quantity), **its.arguments)
        return xr.DataArray(value).astype(float)
    except Exception as error:
        raise InputError(
            f"statistic '{its.statistic}' raises {type(error).__name__}: {error}"
        ) from error


def _asked(its: Outcome) -> str:
    """Return in words what an outcome is."""
    names = ("at", "block", "cycle", "cycles", "layer", "sign", "readout")
    chosen = [f"{name} {getattr(its, name)}" for name in names if name in its.model_fields_set]
    return listed([its.quantity, *([] if its.statistic == "value" else [its.statistic]), *chosen])


def _where(result: xr.Dataset, chosen: xr.DataArray) -> xr.Dataset:
    return result.isel(probe=np.flatnonzero(chosen.values))


def _value(result: xr.Dataset, its: Outcome) -> xr.DataArray:
    places = np.flatnonzero(phases.ends_at(result, its.at, its.block, its.cycle))
    values = result[variable(its.quantity)]
    if not len(places):
        return xr.full_like(values.isel(probe=0, drop=True), np.nan)
    return values.isel(probe=places[-1], drop=True)


def over_grid(study: LoadedStudy, found: Mapping[str, Mapping[str, xr.DataArray]]) -> xr.Dataset:
    """Arrange outcomes over the grid and seeds; missing ones are NaN."""
    spec = study.spec
    dims: dict[str, list[Any]] = {**spec.dims, "seed": list(spec.seed_list)}
    sizes = [len(values) for values in dims.values()]
    variables: dict[str, Any] = {}
    for label, its in spec.outcomes.items():
        samples = [values[label] for values in found.values()]
        words: dict[str, dict[str, None]] = {}  # layers and read-outs of all models, in order
        for sample in samples:
            for name in sample.dims:
                words.setdefault(str(name), {}).update(dict.fromkeys(sample[name].values.tolist()))
        array = xr.DataArray(
            np.full((*sizes, *map(len, words.values())), np.nan),
            dims=(*dims, *words),
            coords={name: list(labels) for name, labels in words.items()},
        )
        for place, run in study.grid.items():
            if run in found:
                its_own = found[run][label]
                at = [
                    [list(words[name]).index(one) for one in its_own[name].values.tolist()]
                    if name in its_own.dims
                    else []
                    for name in words
                ]
                if not words:
                    array.values[place] = its_own.item()
                elif its_own.dims:
                    array.values[place][np.ix_(*at)] = its_own.transpose(*words).values
        quantity = QUANTITIES.get(its.quantity)
        array.attrs = {
            "long_name": its.label or (quantity.long_name if quantity else its.quantity),
            "units": quantity.units if quantity and its.statistic == "value" else "1",
            "scale": its.scale,
        }
        variables[label] = array
    for label, array in list(variables.items()):
        numbers = [its for its in spec.published if its.outcome == label]
        if numbers:
            blank = array.isel({dim: 0 for dim in array.dims if dim not in spec.dims})
            variables[f"{label}_published"] = _published(
                blank.drop_vars("seed", errors="ignore"), numbers, dims
            )
    dataset = xr.Dataset(variables)
    for name, values in dims.items():
        dataset = dataset.assign_coords({name: (name, np.array(values), {"long_name": name})})
    for item in spec.vary:
        for name, along in list(item.items())[1:]:
            dataset = dataset.assign_coords(
                {name.removeprefix("model."): (dimension(item), np.array(along))}
            )
    return dataset


def _published(
    like: xr.DataArray, numbers: list[Published], dims: Mapping[str, list[Any]]
) -> xr.DataArray:
    """Return published numbers, as they are printed, over the grid; NaN elsewhere."""
    array = xr.full_like(like.reset_coords(drop=True), np.nan)
    for its in numbers:
        at = {name: dims[name].index(value) for name, value in its.at.items()}
        array[at] = its.value
    array.attrs = {**like.attrs, "long_name": f"published: {like.attrs['long_name']}", "scale": 1.0}
    return array


def together(results: list[xr.Dataset], keep: str) -> xr.Dataset:
    """Return the runs of one place in the grid as one dataset over ``seed``.

    If the steps of probes differ between seeds, only the ends of phases are kept.
    """
    if keep == "all" and not _same_probes(results):
        keep = "phase_ends"  # the same in number for all seeds, wherever phases end
    kept = [phases.phase_ends(its) if keep == "phase_ends" else its for its in results]
    numbered = [its.assign_coords(probe=np.arange(its.sizes["probe"])) for its in kept]
    if not _same_probes(kept):  # phases that wait for a condition: their lengths differ by seed
        numbered = [its.reset_coords(["step", "time_h", "phase_onset"]) for its in numbered]
    seeds = xr.DataArray([int(its.attrs["seed"]) for its in results], dims="seed", name="seed")
    return xr.concat(numbered, seeds, combine_attrs="drop_conflicts")


def _same_probes(results: list[xr.Dataset]) -> bool:
    first = results[0]["step"].values
    return all(np.array_equal(its["step"].values, first) for its in results)
