"""The page about a study."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import xarray as xr

from wakesleep.errors import InputError
from wakesleep.files import documents
from wakesleep.reports.page import (
    EXPLAINED,
    Page,
    Picture,
    Table,
    citations,
    picture,
    plain,
    versions,
)
from wakesleep.results.intervals import interval
from wakesleep.results.trees import grid_of, open_study


def of_study(target: Path) -> Page:
    """Return the page about the study in a folder."""
    tree = open_study(target)
    made = tree.attrs
    text = str(made["study_text"])
    outcomes = tree["outcomes"].to_dataset()
    failed = json.loads(made["failed"])
    seeds = outcomes.sizes["seed"]
    runs = seeds * int(np.prod([outcomes.sizes[name] for name in grid_of(outcomes)], dtype=int))
    page = Page(
        title=str(made["title"]),
        sentence=f"{runs:,} run{'s' * (runs > 1)}, {seeds} seed{'s' * (seeds > 1)}; "
        f"{len(failed)} failed.",
        description=str(made["description"]),
        tables=[_outcomes(outcomes)],
        files={"study": text},
        command=f"wakesleep study {made['title']}.yaml",
        citations=citations(text),
        provenance={
            "gathered": str(made["gathered"]),
            "commit": str(made["git_commit"]),
            "versions": versions({"versions": made["versions"]}),
        },
        notes=[f"{name}: {why}" for name, why in failed.items()],
        explained={
            word: its
            for word, its in EXPLAINED.items()
            if any(word in _label(values, str(name)) for name, values in outcomes.data_vars.items())
        },
    )
    page.pictures += _figures(tree, text, page.notes)
    return page


def _outcomes(outcomes: xr.Dataset) -> Table:
    """Return every outcome at every place in the grid, with its interval over seeds."""
    grid = grid_of(outcomes)
    shown = [name for name in grid if outcomes.sizes[name] > 1]
    columns = []
    for name, values in outcomes.data_vars.items():
        if "seed" not in values.dims:
            continue
        rest = [str(dim) for dim in values.dims if dim not in (*grid, "seed")]
        for place in itertools.product(*(values[dim].values for dim in rest)):
            columns.append((str(name), dict(zip(rest, place, strict=True))))
    body = []
    for at in itertools.product(*(range(outcomes.sizes[name]) for name in grid)):
        row = outcomes.isel(dict(zip(grid, at, strict=True)))
        cells = [plain(row[name].item()) for name in shown]
        for name, chosen in columns:
            its = row[name].sel(chosen)
            found = interval(its * its.attrs.get("scale", 1.0))
            half = float(found["high"] - found["mean"])
            cells.append(f"{float(found['mean']):.4g}" + ("" if half != half else f" ± {half:.2g}"))
        body.append(cells)
    headings = shown + [
        " ".join([_label(outcomes[name], name), *(str(its) for its in chosen.values())])
        for name, chosen in columns
    ]
    return Table("Mean ± 95 % t interval over seeds.", headings, body)


def _label(outcome: xr.DataArray, name: str) -> str:
    return str(outcome.attrs.get("long_name") or name)


def _figures(tree: xr.DataTree, text: str, notes: list[str]) -> list[Picture]:
    """Draw what the study file asks for, as vector graphics."""
    from pydantic import TypeAdapter

    from wakesleep.plots.study import draw
    from wakesleep.plots.wanted import FIGURES
    from wakesleep.plots.wanted import Figure as Wanted

    found = []
    for asked in documents.parse(text, "study").tree.get("figures", []):
        wanted = TypeAdapter(Wanted).validate_python(asked)
        if wanted.figure not in FIGURES:
            continue
        try:
            figure = draw(wanted, tree)
        except (InputError, KeyError) as error:
            notes.append(f"figure '{wanted.name}' could not be drawn: {error}")
            continue
        title = wanted.name.replace("_", " ")
        found.append(picture(figure, title, f"{title}, as the study file asks for it."))
    return found
