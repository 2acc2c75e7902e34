"""A run in a short table, for the terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from wakesleep.runtime.progress import duration

if TYPE_CHECKING:
    import xarray as xr

    from wakesleep.checks.schedule import Schedule
    from wakesleep.data.describe import Description

COLUMNS = {"d_prime": "d'", "auc": "AUC", "false_positive_rate": "false\npositives %"}


NOTHING = 0.3  # d' that a layer with random weights also reaches


def unlearnt(result: xr.Dataset) -> str | None:
    """Return a hint if no layer ever distinguished real from negative cases, or None."""
    if "d_prime" not in result or result.attrs["status"] != "finished":
        return None
    best = abs(result["d_prime"]).max().item()
    updates = int(result["step"].max())
    if not best < NOTHING:
        return None
    return (
        f"No layer distinguished real from negative cases (d' at most {best:.2f}): {updates:,} "
        "updates may be too few, or the rate too low."
    )


def print_summary(result: xr.Dataset) -> None:
    """Print the state at the end of the phases, and the test error where it was read."""
    from rich.console import Console
    from rich.table import Table

    from wakesleep.results.phases import phase_table, shortened
    from wakesleep.results.tasks import task_numbers

    whole = phase_table(result)
    rows = shortened(whole)
    table = Table(
        title=str(result.attrs["title"]),
        title_justify="left",
        caption="At the end of each phase; cycles count from 0; all but the error are means over "
        "layers.",
        caption_justify="left",
    )
    tasks = task_numbers(rows)
    places = (*(["task"] if tasks is not None else []), "block", "cycle", "phase", "updates")
    for heading in places:
        table.add_column(heading, justify="left" if heading in ("block", "phase") else "right")
    readouts = [str(name) for name in rows["readout"].values] if "error" in rows else []
    shown = {name: heading for name, heading in COLUMNS.items() if name in rows}
    for heading in (*(f"error %\n({name})" for name in readouts), *shown.values()):
        table.add_column(heading, justify="right")
    for place in range(rows.sizes["probe"]):
        row = rows.isel(probe=place)
        table.add_row(
            *([] if tasks is None else [str(tasks[place]) if tasks[place] >= 0 else ""]),
            str(row["block"].item()),
            str(row["cycle"].item()),
            str(row["phase"].item()),
            f"{row['step'].item():,}",
            *(f"{100 * row['error'].sel(readout=name).item():.1f}" for name in readouts),
            *(_shown(name, row[name].item()) for name in shown),
        )
    console = Console()
    if not console.is_terminal:  # a pipe has no width
        console = Console(width=100)
    console.print(table)
    if (told := unlearnt(result)) is not None:
        console.print(told, soft_wrap=True)
    hidden = whole.sizes["probe"] - rows.sizes["probe"]
    if hidden:
        console.print(
            f"{hidden} phases of long blocks are not shown; all are in the result: "
            "ws.statistics.phase_table(ws.open(...))",
            soft_wrap=True,
        )
    for split in ("validation", "test"):
        if f"{split}_error" in result:
            console.print(
                f"{split} error at the end, on all its cases: "
                + ", ".join(
                    f"{100 * error:.2f} % ({name})"
                    for name, error in zip(
                        result["readout"].values, result[f"{split}_error"].values, strict=True
                    )
                )
            )


def _shown(name: str, value: float) -> str:
    return f"{100 * value:.1f}" if name == "false_positive_rate" else f"{value:.2f}"


def print_study(tree: xr.DataTree) -> None:
    """Print every outcome at every place in the grid, with its interval over seeds."""
    import itertools

    from rich.console import Console
    from rich.table import Table

    from wakesleep.results.intervals import interval
    from wakesleep.results.trees import grid_of

    outcomes = tree["outcomes"].to_dataset()
    count = outcomes.sizes["seed"]
    grid = grid_of(outcomes)
    shown = [name for name in grid if outcomes.sizes[name] > 1]
    table = Table(
        title=str(tree.attrs["title"]),
        title_justify="left",
        caption=f"Mean ± 95 % t interval, {count} seed{'s' * (count > 1)}"
        + (" less those that failed." if json.loads(tree.attrs["failed"]) else ".")
        + (" In brackets: published." if any("_published" in str(n) for n in outcomes) else ""),
        caption_justify="left",
    )
    columns: list[tuple[str, dict[str, str]]] = []
    for name, values in outcomes.data_vars.items():
        if "seed" not in values.dims:  # a published number, shown in the cell of its outcome
            continue
        rest = [str(dim) for dim in values.dims if dim not in (*grid, "seed")]
        for place in itertools.product(*(values[dim].values for dim in rest)):
            columns.append((str(name), dict(zip(rest, place, strict=True))))
    for name in shown:
        table.add_column(name)
    for name, chosen in columns:
        table.add_column(
            "\n".join([name, *(f"{dim} {its}" for dim, its in chosen.items())]), justify="right"
        )
    for at in itertools.product(*(range(outcomes.sizes[name]) for name in grid)):
        row = outcomes.isel(dict(zip(grid, at, strict=True)))
        cells = []
        for name, chosen in columns:
            its = row[name].sel(chosen)
            scale = its.attrs.get("scale", 1.0)
            found = interval(its * scale)
            half = (found["high"] - found["mean"]).item()
            text = f"{found['mean'].item():.4g}"
            text = text if half != half else f"{text} ± {half:.2g}"
            theirs = row.get(f"{name}_published")
            if theirs is not None and theirs.notnull():
                text += f" [{theirs.item():g}]"
            cells.append(text)
        table.add_row(*(_value(row[name].item()) for name in shown), *cells)
    console = Console()
    if not console.is_terminal:
        console = Console(width=160)
    console.print(table)


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def print_data(its: Description) -> None:
    """Print a data set in numbers."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console = Console(width=100)
    height, width, channels = its.shape
    shape = f"{height} x {width}" + (f" x {channels}" if channels > 1 else "")
    total = sum(its.cases.values())
    lines = {
        "cases": ", ".join(f"{count:,} {name}" for name, count in its.cases.items()),
        "shape": f"{shape}, {height * width * channels:,} features",
        "range": f"{its.low:.4g} to {its.high:.4g}, mean {its.mean:.3g}"
        + (" (binary)" if its.binary else ""),
        "missing": f"{its.missing:,} values",
        "repeated": ", ".join(f"{count:,} in {name}" for name, count in its.repeated.items()),
        "shared": ", ".join(
            f"{count:,} of {other} also in {one}" for (one, other), count in its.shared.items()
        ),
        "classes": f"{len(its.classes)}" if its.classes else "none: the cases have no labels",
    }
    console.print(f"{its.name}: {total:,} cases", highlight=False)
    for name, text in lines.items():
        console.print(f"{name:<9} {text}", highlight=False, soft_wrap=True)
    if not its.classes:
        return
    table = Table()
    table.add_column("class")
    for split in its.cases:
        table.add_column(split, justify="right")
    table.add_column("share %", justify="right")
    for name, counts in its.classes.items():
        share = 100 * sum(counts.values()) / total
        table.add_row(name, *(f"{count:,}" for count in counts.values()), f"{share:.1f}")
    console.print(table)


def print_schedule(its: Schedule) -> None:
    """Print hours and updates of every stage, and about how long a run takes."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console = Console(width=100)
    table = Table(title=its.name, title_justify="left")
    table.add_column("stage")
    table.add_column("updates", justify="right")
    if its.hours:
        table.add_column("hours", justify="right")
    rows = [*its.updates, "all"] if len(its.updates) > 1 else [*its.updates]
    for stage in rows:
        count = sum(its.updates.values()) if stage == "all" else its.updates[stage]
        hours = sum(its.hours.values()) if stage == "all" else its.hours.get(stage, 0.0)
        table.add_row(stage, f"{count:,}", *([f"{hours:,.1f}"] if its.hours else []))
    console.print(table)
    console.print(f"probes: {its.probes:,}", highlight=False)
    if its.waits:
        console.print("Phases that wait for a condition are counted at their longest.")
    for sentence in its.warnings:
        console.print(f"warning: {sentence}", soft_wrap=True, highlight=False)
    if its.seconds is not None:
        console.print(f"a run of {its.model} takes about {duration(its.seconds)}", highlight=False)


def print_comparison(its: xr.Dataset) -> None:
    """Print the errors of several results with intervals, and differences to the first."""
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title="Error at the end, on all validation cases",
        title_justify="left",
        caption="In brackets: 95 % intervals over cases (Wilson, Newcombe), not over seeds. "
        "Differences are to the first result, in points. Their intervals are wider than necessary, "
        "because all networks see the same cases.",
        caption_justify="left",
    )
    table.add_column("result", overflow="fold")
    for name in its["readout"].values:
        table.add_column(f"{name} %", justify="right")
        table.add_column("difference", justify="right")
    if "d_prime" in its:
        table.add_column("d'", justify="right")
    table.add_column("updates", justify="right")
    for place, name in enumerate(its["result"].values):
        row = its.isel(result=place)
        cells = []
        for readout in its["readout"].values:
            one = 100 * row.sel(readout=readout)
            cells.append(_with_interval(one, "error", "low", "high"))
            cells.append(
                _with_interval(one, "difference", "difference_low", "difference_high", "+")
                if place
                else ""
            )
        if "d_prime" in its:
            cells.append(f"{row['d_prime'].item():.2f}")
        table.add_row(str(name), *cells, f"{row['updates'].item():,.0f}")
    console = Console()
    if not console.is_terminal:
        console = Console(width=140)
    console.print(table)
    console.print(_differences(its), soft_wrap=True, highlight=False)


def _differences(its: xr.Dataset) -> str:
    """Return a sentence on the inputs in which the runs of a comparison differ."""
    differing = json.loads(its.attrs["differing"])
    if differing:
        values = (
            f"{name} ({', '.join('-' if one is None else _value(one) for one in given)})"
            for name, given in differing.items()
        )
        return f"The runs differ in {'; '.join(values)}."
    return "The runs have the same inputs, parameters and seed."


def _with_interval(its: xr.Dataset, value: str, low: str, high: str, sign: str = "") -> str:
    found = f"{its[value].item():{sign}.1f}"
    if its[low].isnull():
        return found
    return f"{found} ({its[low].item():.1f} to {its[high].item():.1f})"
