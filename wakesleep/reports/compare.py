"""Several results beside each other: one table with differences and intervals, one figure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from wakesleep.errors import InputError, RunError, listed
from wakesleep.results.intervals import wilson
from wakesleep.results.phases import check_result
from wakesleep.results.store import open_result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEVEL = 0.95
# Attributes of a result that say how it was made, beside its inputs and parameters.
GIVEN = ("protocol", "model", "seed", "dtype", "device")
MEASURES = {
    "d_prime": "d'",
    "criterion": "criterion c",
    "false_positive_rate": "false positives",
    "hit_rate": "hits",
}


def compare(results: Sequence[str | Path | xr.Dataset], names: Sequence[str] = ()) -> xr.Dataset:
    """Compare the ends of several runs; differences are to the first.

    Parameters
    ----------
    results
        Stores of runs, by path or opened.
    names
        Names of the results; default their titles with seeds, numbered if they are equal.

    Returns
    -------
    xarray.Dataset
        Over ``result`` and ``readout``: ``error`` on all validation cases at the end with ``low``
        and ``high``, the 95 % interval of Wilson (1927) for ``cases`` cases; ``difference`` to
        the first result with ``difference_low`` and ``difference_high``, the interval of Newcombe
        (1998, method 10). These intervals are of cases, not of seeds. Over ``result`` alone:
        ``updates``, and means over layers of the detection measures at the last probe.
        The attribute ``differing`` is what :func:`differing` returns, as JSON.

    Raises
    ------
    InputError
        If there are fewer than two results, or one has no error.
    """
    if len(results) < 2:
        raise InputError("compare needs two results or more")
    opened = [its if isinstance(its, xr.Dataset) else open_result(its) for its in results]
    for its in opened:
        check_result(its)
    called = list(names) or _names(opened)
    if len(called) != len(opened):
        raise InputError(f"{len(opened)} results and {len(called)} names")
    for name, its in zip(called, opened, strict=True):
        if "validation_error" not in its:
            raise InputError(
                f"{name}: its validation error was not measured (status: {_status(its)}), so it "
                "cannot be compared"
            )
    by_data: dict[Any, list[str]] = {}
    for name, its in zip(called, opened, strict=True):
        by_data.setdefault(its.attrs.get("data_sha256"), []).append(name)
    if len(by_data) > 1:
        groups = "; ".join(listed(group) for group in by_data.values())
        raise InputError(
            f"the results are of different data, whose errors cannot be compared: {groups}"
        )
    readouts = [str(its) for its in opened[0]["readout"].values]
    common = [name for name in readouts if all(name in its["readout"].values for its in opened)]
    if not common:
        raise InputError("the results have no read-out in common")
    counts = [cases_of(its) for its in opened]
    error = np.array([[_error(its, name) for name in common] for its in opened])
    cases = np.array(counts, float)[:, None]
    low, high = wilson(error, cases)
    apart, apart_low, apart_high = newcombe(error, cases, error[0], cases[0])
    apart[0] = apart_low[0] = apart_high[0] = 0.0
    over = ("result", "readout")
    table = xr.Dataset(
        {
            "error": (over, error),
            "low": (over, low),
            "high": (over, high),
            "difference": (over, apart),
            "difference_low": (over, apart_low),
            "difference_high": (over, apart_high),
            "cases": ("result", np.array(counts, float)),
            "updates": ("result", [int(its["step"].values[-1]) for its in opened]),
        },
        {"result": called, "readout": common},
    )
    for name in MEASURES:
        if all(name in its for its in opened):
            table[name] = "result", [float(its[name].isel(probe=-1).mean()) for its in opened]
    return table.assign_attrs(differing=json.dumps(differing(opened)))


def differing(results: Sequence[xr.Dataset]) -> dict[str, list[Any]]:
    """Return the inputs in which the runs differ.

    Parameters
    ----------
    results
        Opened results of runs.

    Returns
    -------
    dict
        By name (``protocol``, ``model``, ``seed``, ``data``, an input, or ``model.`` and a
        parameter), the value in each run. Inputs and parameters that only some runs have are left
        out.
    """
    given = [_given(its) for its in results]
    # Other kinds of model and other protocols have other names: only those in common compare.
    names = [name for name in given[0] if all(name in its for its in given)]
    values = {name: [its[name] for its in given] for name in names}
    found: dict[str, list[Any]] = {}
    for name, its in values.items():
        rows = {name: its}
        if all(isinstance(one, dict) for one in its):  # a group of settings: only what differs
            keys = dict.fromkeys(key for one in its for key in one)
            rows = {f"{name}.{key}": [one.get(key) for one in its] for key in keys}
        found |= {key: row for key, row in rows.items() if any(one != row[0] for one in row)}
    texts = [its.attrs.get("protocol_text") for its in results]
    if "protocol" not in found and any(text != texts[0] for text in texts):
        found["text of the protocol file"] = [f"version {1 + texts.index(text)}" for text in texts]
    return found


def _given(result: xr.Dataset) -> dict[str, Any]:
    made = result.attrs
    source = json.loads(made.get("data_source") or "{}")
    return {
        **{name: str(made[name]) for name in GIVEN if name in made},
        "data": source.get("source", ""),
        **json.loads(made.get("inputs", "{}")),
        **{f"model.{n}": its for n, its in json.loads(made.get("parameters", "{}")).items()},
    }


def draw(
    results: Sequence[str | Path | xr.Dataset], table: xr.Dataset, figure: Figure | None = None
) -> Figure:
    """Draw the course of the error of every result, and the errors at the end with intervals.

    Parameters
    ----------
    results
        As for :func:`compare`.
    table
        What :func:`compare` returned.
    figure
        An empty figure to draw into.
    """
    import seaborn
    from matplotlib.figure import Figure as NewFigure

    opened = [its if isinstance(its, xr.Dataset) else open_result(its) for its in results]
    readouts = [str(its) for its in table["readout"].values]
    figure = figure or NewFigure(figsize=(9.0, 0.6 + 2.6 * len(readouts)))
    axes = figure.subplots(len(readouts), 2, squeeze=False, width_ratios=[2, 1])
    colours = seaborn.color_palette("colorblind", len(opened))
    for row, readout in zip(axes, readouts, strict=True):
        for place, (name, its) in enumerate(zip(table["result"].values, opened, strict=True)):
            its_error = its["error"].sel(readout=readout) if "error" in its else None
            if its_error is not None:
                row[0].plot(its["step"], 100 * its_error, color=colours[place], lw=1.2, label=name)
            at_end = table.sel(readout=readout).isel(result=place)
            spread = [
                [100 * float(at_end["error"] - at_end["low"])],
                [100 * float(at_end["high"] - at_end["error"])],
            ]
            known = np.isfinite(spread).all()
            row[1].errorbar(
                [100 * float(at_end["error"])],
                [place],
                xerr=spread if known else None,
                fmt="o",
                color=colours[place],
            )
        row[0].set_ylabel(f"error, {readout} (%)")
        row[0].set_ylim(bottom=0)
        row[1].set_yticks(range(len(opened)), [str(its) for its in table["result"].values])
        row[1].invert_yaxis()
        row[1].set_xlim(left=0)
        for ax in row:
            ax.spines[["top", "right"]].set_visible(False)
    axes[-1, 0].set_xlabel("updates")
    axes[-1, 1].set_xlabel("error at the end (%), 95 % interval of cases")
    axes[0, 0].legend(frameon=False, fontsize=8)
    figure.tight_layout()
    return figure


def newcombe(
    one: Any, cases: Any, other: Any, other_cases: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return one share minus another, and the 95 % interval of the difference.

    Newcombe 1998, Statistics in Medicine 17, 873-890, method 10: from the intervals of Wilson. The
    cases are treated as independent; if both networks see the same cases, it is too wide.
    """
    low, high = wilson(one, cases)
    other_low, other_high = wilson(other, other_cases)
    apart = one - other
    below = apart - np.sqrt((one - low) ** 2 + (other_high - other) ** 2)
    above = apart + np.sqrt((high - one) ** 2 + (other - other_low) ** 2)
    return apart, below, above


def _error(result: xr.Dataset, readout: str) -> float:
    return float(result["validation_error"].sel(readout=readout))


def cases_of(result: xr.Dataset) -> float:
    """Return the number of validation cases; NaN if the data are not available."""
    from wakesleep import data
    from wakesleep.data.source import DataSource

    text = result.attrs.get("data_source")
    if not text:
        return float("nan")
    try:
        its = data.load(DataSource.model_validate_json(text, strict=False))
    except (InputError, RunError):
        return float("nan")
    same = its.digest == result.attrs.get("data_sha256")  # else they have changed since the run
    return float(len(its.validation)) if same else float("nan")


def _status(result: xr.Dataset) -> str:
    return str(result.attrs.get("status", "unknown"))


def _names(results: Sequence[xr.Dataset]) -> list[str]:
    found: list[str] = []
    for its in results:
        name = Path(its.encoding.get("source", "") or its.attrs["title"]).name
        name = name.removesuffix(".zarr")
        twice = sum(its == name or its.startswith(f"{name} (") for its in found)
        found.append(f"{name} ({twice + 1})" if twice else name)
    return found
