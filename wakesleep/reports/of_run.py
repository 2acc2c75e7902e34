"""The page about one run."""

from __future__ import annotations

import importlib
import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from wakesleep.errors import InputError
from wakesleep.learners.kinds import KINDS
from wakesleep.reports.compare import cases_of
from wakesleep.reports.page import (
    Page,
    Picture,
    Table,
    citations,
    description,
    picture,
    plain,
    told,
    versions,
)
from wakesleep.results.intervals import interval, wilson
from wakesleep.results.phases import phase_ends, phase_table, shortened
from wakesleep.results.store import open_result

QUANTITIES = {  # what the table of phases shows: heading, factor
    "error": ("error (%)", 100.0),
    "hit_rate": ("hits (%)", 100.0),
    "false_positive_rate": ("false positives (%)", 100.0),
    "d_prime": ("d'", 1.0),
    "criterion": ("criterion c", 1.0),
}
CYCLES = 10  # of a block, the last of which the means by phase are taken


def of_run(target: Path) -> Page:
    """Return the page about the run in a store."""
    from wakesleep.plots.overview import overview

    result = open_result(target)
    made = result.attrs
    page = Page(
        title=str(made["title"]),
        sentence=_sentence(result),
        description=description(made["protocol_text"]),
        facts=_facts(made),
        tables=[_ends(result), *_by_phase(result)],
        files={"protocol": made["protocol_text"], "model": made["model_text"]},
        command=_command(made, target),
        citations=citations(made["protocol_text"], made["model_text"]),
        provenance=_provenance(made),
    )
    if made["status"] != "finished":
        page.notes.append(f"This run has not ended: {made['status']}.")
    try:
        page.schedule = _hypnogram(result)
        page.pictures.append(
            picture(
                overview(result),
                "Through the run",
                "Hypnogram, goodness of each layer, false positives and error over time.",
            )
        )
    except InputError as error:  # too few probes
        page.notes.append(f"No figure: {error}.")
    dreams = _dreams(target, made)
    if dreams is not None:
        page.pictures.append(dreams)
    return page


def _sentence(result: xr.Dataset) -> str:
    """Return the main result of the run in one sentence."""
    if not result.sizes["probe"]:
        return f"{result.attrs['title']}: nothing recorded yet, status {result.attrs['status']}."
    updates = int(result["step"].values[-1])
    if "validation_error" not in result:
        return f"{result.attrs['title']}: {updates:,} updates, status {result.attrs['status']}."
    cases = cases_of(result)
    parts = []
    for name in result["readout"].values:
        value = float(result["validation_error"].sel(readout=name))
        text = f"{100 * value:.1f} % ({name}"
        if np.isfinite(cases):
            low, high = wilson(value, cases)
            text += f"; 95 % interval of {cases:,.0f} cases {100 * low:.1f} to {100 * high:.1f} %"
        parts.append(text + ")")
    return f"After {updates:,} updates the error on validation data is {' and '.join(parts)}."


def _facts(made: Mapping[str, Any]) -> dict[str, str]:
    resolved = json.loads(made["model_resolved"])
    values = json.loads(made["inputs"])
    parameters = {
        name: value for name, value in json.loads(made["parameters"]).items() if value is not None
    }
    named = told(made["model_text"], "parameters", {})
    rest, in_file = _apart(parameters, named)
    # A value that the file sets differently was set by the run, even to the usual default.
    defaults = {n: its for n, its in _defaults(resolved["kind"]).items() if n not in named}
    own, usual = _apart(rest, defaults)
    changed, as_in_file = _apart(
        values,
        {
            name: its.get("default")
            for name, its in told(made["protocol_text"], "inputs", {}).items()
        },
    )
    found = {
        "model": f"{made['model']} ({resolved['kind']})",
        "parameters set by the run": _listed(own),
        "parameters as in the model file": _listed(in_file),
        "parameters at their defaults": _listed(usual),
        "data": str(made["data"]),
        "protocol": str(made["protocol"]),
        "inputs set by the run": _listed(changed),
        "inputs as in the protocol file": _listed(as_in_file),
        "seed": str(made["seed"]),
    }
    return {name: text for name, text in found.items() if text}


def _defaults(kind: str) -> dict[str, Any]:
    """Return the default of each parameter of a kind of model; nothing for the user's own kinds."""
    if kind not in KINDS:
        return {}
    module, _, name = KINDS[kind].parameters.partition(":")
    fields = getattr(importlib.import_module(module), name).model_fields
    return {name: its.default for name, its in fields.items()}


def _apart(
    values: Mapping[str, Any], told: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the values that differ from those in a file, and those that do not."""
    same = {name: its for name, its in values.items() if name in told and told[name] == its}
    return {name: its for name, its in values.items() if name not in same}, same


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {plain(its)}" for name, its in values.items())


def _ends(result: xr.Dataset) -> Table:
    rows = shortened(phase_table(result))
    readouts = [str(name) for name in rows["readout"].values] if "error" in rows else []
    shown = [name for name in QUANTITIES if name in rows and name != "error"]
    headings = ["block", "cycle", "phase", "stage", "updates"]
    headings += [f"error, {name} (%)" for name in readouts] + [QUANTITIES[n][0] for n in shown]
    body = []
    for place in range(rows.sizes["probe"]):
        row = rows.isel(probe=place)
        body.append(
            [str(row[name].item()) for name in ("block", "cycle", "phase", "stage")]
            + [f"{row['step'].item():,}"]
            + [f"{100 * row['error'].sel(readout=name).item():.1f}" for name in readouts]
            + [f"{QUANTITIES[n][1] * row[n].item():.2f}" for n in shown]
        )
    caption = (
        "At the end of phases. Cycles count from 0; of long blocks the last cycle is shown. All "
        "but the error are means over layers."
    )
    return Table(caption, headings, body)


def _by_phase(result: xr.Dataset) -> list[Table]:
    """Return means over the last cycles of every block and phase, with intervals."""
    ends = phase_ends(result)
    shown = [name for name in QUANTITIES if name in ends]
    columns = [
        (name, str(its)) if "readout" in ends[name].dims else (name, "")
        for name in shown
        for its in (ends["readout"].values if "readout" in ends[name].dims else [""])
    ]
    body = []
    groups = dict.fromkeys(zip(ends["block"].values, ends["phase"].values, strict=True))
    for block, phase in groups:
        here = ((ends["block"] == block) & (ends["phase"] == phase) & (ends["step"] > 0)).values
        some = ends.isel(probe=here).isel(probe=slice(-CYCLES, None))
        each = some["cycle"].values
        if some.sizes["probe"] < 2 or len(set(each)) < len(each):  # not one value for each cycle
            continue
        row = [str(block), str(phase), str(some.sizes["probe"])]
        for name, readout in columns:
            values = some[name].sel(readout=readout) if readout else some[name]
            others = [its for its in values.dims if its != "probe"]
            values = values.mean(others) if others else values
            found = interval(QUANTITIES[name][1] * values, "probe")
            half = float(found["high"] - found["mean"])
            digits = 1 if "%" in QUANTITIES[name][0] else 2
            row.append(f"{float(found['mean']):.{digits}f} ± {half:.{digits}f}")
        body.append(row)
    if not body:
        return []
    headings = ["block", "phase", "cycles"]
    headings += [
        QUANTITIES[name][0].replace(" (", f", {readout} (") if readout else QUANTITIES[name][0]
        for name, readout in columns
    ]
    caption = (
        f"Means at the ends of phases over the last {CYCLES} recorded cycles of a block, or all if "
        "there are fewer: in early cycles a new network is still learning. With 95 % t intervals. "
        "Cycles of one network are not independent: the interval describes how much they vary."
    )
    return [Table(caption, headings, body)]


def _hypnogram(result: xr.Dataset) -> Picture:
    from matplotlib.figure import Figure as NewFigure

    from wakesleep.plots.phases import axis_label, hypnogram

    figure = NewFigure(figsize=(8.0, 1.7))
    ax = hypnogram(result, figure.subplots())
    ax.set_xlabel(axis_label(result))
    return picture(figure, "Schedule", "The phases of the run over time, with wake on top.")


def _dreams(target: Path, made: Mapping[str, Any]) -> Picture | None:
    """Return dreams of the trained network, if it can dream and is available."""
    if "dream" not in json.loads(made["model_resolved"])["offers"] or not target.is_dir():
        return None
    from matplotlib.figure import Figure as NewFigure

    from wakesleep.networks import dreams
    from wakesleep.plots.dreams import dreams as draw

    figure = NewFigure(figsize=(5.0, 4.4))
    try:
        draw(dreams(target), figure.subplots())
    except InputError:  # no checkpoint, or no images
        return None
    return picture(figure, "Dreams", "Dreams of each class by the trained network.")


def _provenance(made: Mapping[str, Any]) -> dict[str, str]:
    return {
        "started": str(made["started"]),
        "took": f"{float(made['wall_seconds']):,.1f} s" if "wall_seconds" in made else "",
        "machine": str(made["device_name"]),
        "commit": str(made["git_commit"]),
        "versions": versions(made),
        "data": f"sha256 {str(made['data_sha256'])[:16]}",
    }


def _command(made: Mapping[str, Any], target: Path) -> str:
    """Return the command that repeats the run from its own result."""
    store = shlex.quote(str(target.name))
    again = ["wakesleep", "run", store, store, "--seed", str(made["seed"])]
    again += ["--device", str(made["device"])]
    if made.get("start"):
        again += ["--from", shlex.quote(str(made["start"]))]
    if made["dtype"] != "float32":
        again += ["--dtype", str(made["dtype"])]
    return " ".join([*again, "-o", "again.zarr"])
