"""Figures of a study: heat maps and lines of outcomes over the grid, curves over cycles."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from wakesleep.errors import InputError, choices, listed
from wakesleep.files import references
from wakesleep.plots.scales import set_scales
from wakesleep.plots.wanted import FIGURES
from wakesleep.results import intervals
from wakesleep.results.schema import variable
from wakesleep.results.trees import over_cycles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from wakesleep.plots.wanted import Figure as Wanted


# Labels of dimensions whose name alone would not be clear to a reader.
NAMES = {
    "phase_steps": "length of a phase (updates)",
    "momentum": "momentum's horizon 1/(1 - μ) (updates)",
    "rate": "learning rate",
    "lost_nights": "lost nights",
    "wake_batches": "batches in a block",
    "dreams": "share of dreams",
    "cycle": "nights",
    "first_sleep": "first part of the night",
    "second_sleep": "second part of the night",
}


def save_figures(
    figures: Sequence[Wanted], tree: xr.DataTree, folder: Path
) -> tuple[list[Path], dict[str, str]]:
    """Draw every figure a study asks for into PNG files of a folder.

    Returns
    -------
    paths, undrawn
        The files, and for figures that could not be drawn the reason, by name.
    """
    paths, undrawn = [], {}
    for wanted in figures:
        folder.mkdir(exist_ok=True)
        path = folder / f"{wanted.name}.png"
        if wanted.figure == "cycles" and "runs" not in tree.children:
            continue  # every run has failed, or none is kept
        try:
            figure = draw(wanted, tree) if wanted.figure in FIGURES else draw_own(wanted, tree)
            figure.savefig(path, dpi=200, bbox_inches="tight")
        except InputError as error:
            undrawn[wanted.name] = str(error)
            continue
        paths.append(path)
    return paths, undrawn


def draw(wanted: Wanted, tree: xr.DataTree) -> Figure:
    """Draw one figure of a study's result."""
    return draw_values(wanted, _values(wanted, tree))


def draw_own(wanted: Wanted, tree: xr.DataTree) -> Figure:
    """Draw a user-defined figure: ``f(tree, wanted, **arguments)`` returns a matplotlib figure.

    Raises
    ------
    InputError
        If the code cannot be imported, raises, or returns something else.
    """
    from matplotlib.figure import Figure as NewFigure

    target = references.installed("figures").get(wanted.figure, wanted.figure)
    function = references.own(target, "figure")
    try:
        figure = function(tree, wanted, **wanted.arguments)
    except Exception as error:
        raise InputError(
            f"figure '{wanted.name}' raises {type(error).__name__}: {error}"
        ) from error
    if not isinstance(figure, NewFigure):
        raise InputError(
            f"figure '{wanted.name}' returns a {type(figure).__name__}, not a matplotlib figure"
        )
    return figure


def draw_values(wanted: Wanted, values: xr.DataArray) -> Figure:
    """Draw one figure.

    Parameters
    ----------
    wanted
        The figure, as the study file describes it.
    values
        The values to draw over the grid, ``seed`` and possibly ``cycle``, in the units to be shown.

    Raises
    ------
    InputError
        If the figure names an unknown dimension, or makes no choice for a dimension.
    """
    from matplotlib.figure import Figure as NewFigure

    shown = {name for name in (wanted.x, wanted.y, wanted.hue, wanted.columns, wanted.rows) if name}
    for name in [*shown, *wanted.select]:
        if name not in values.dims:
            raise InputError(
                f"figure '{wanted.name}': there is no dimension '{name}'"
                f"{choices(name, map(str, values.dims), 'there are')}"
            )
    values = _without_folders(_chosen(values, wanted, shown))
    if not bool(values.notnull().any()):
        raise InputError(f"figure '{wanted.name}': nothing is left to draw; see 'select'")
    columns = _labels(values, wanted.columns)
    rows = _labels(values, wanted.rows)
    wide = 3.5 if wanted.figure == "heatmap" else 3.6
    figure = NewFigure(figsize=(wide * len(columns) + 0.9, 2.8 * len(rows) + 0.4))
    axes = figure.subplots(len(rows), len(columns), squeeze=False, sharex=True, sharey=True)
    scale = _limits(values)
    for (row, column), ax in zip(itertools.product(rows, columns), axes.flat, strict=True):
        panel = values.sel(
            {name: its for name, its in ((wanted.rows, row), (wanted.columns, column)) if name}
        )
        if wanted.figure == "heatmap":
            assert wanted.y is not None
            heatmap(panel, wanted.x, wanted.y, ax, scale)
        else:
            lines(panel, wanted.x, wanted.hue, ax)
        named = [
            f"{NAMES.get(name, name)} {_tick(name, its)}"
            if not isinstance(its, str) or its.isdigit()  # layers are named "1", "2"
            else its.replace("_", " ")
            for name, its in ((wanted.rows, row), (wanted.columns, column))
            if name
        ]
        ax.set_title(", ".join(named), fontsize=9)
    if wanted.figure != "heatmap":
        set_scales(axes, wanted, values)
    _label(figure, axes, wanted, values)
    return figure


def heatmap(values: xr.DataArray, x: str, y: str, ax: Axes, limits: tuple[float, float]) -> Axes:
    """Draw means over seeds as coloured and numbered cells; a cell with no run is left blank.

    Parameters
    ----------
    values
        With dimensions ``x``, ``y`` and ``seed``.
    x, y
        Names of dimensions.
    ax
        Where to draw.
    limits
        Least and greatest value of the colour scale.
    """
    import seaborn

    mean = values.mean("seed").transpose(y, x)
    seaborn.heatmap(
        mean.values,
        ax=ax,
        cmap="viridis_r",
        vmin=limits[0],
        vmax=limits[1],
        annot=True,
        fmt=".3g",
        annot_kws={"fontsize": 7},
        xticklabels=[_tick(x, its) for its in mean[x].values],
        yticklabels=[_tick(y, its) for its in mean[y].values],
        cbar=False,
    )
    ax.invert_yaxis()
    ax.tick_params(labelsize=8, rotation=0)
    return ax


def lines(values: xr.DataArray, x: str, hue: str | None, ax: Axes) -> Axes:
    """Draw means over seeds with their 95 % t intervals: as lines, or as points over words.

    Parameters
    ----------
    values
        With dimensions ``x``, ``seed`` and, where given, ``hue``.
    x, hue
        Names of dimensions; ``hue`` is shown by colour.
    ax
        Where to draw.
    """
    import seaborn
    from matplotlib.ticker import MaxNLocator

    series = [None] if hue is None else list(values[hue].values)
    palette = (
        seaborn.color_palette("viridis", len(series))
        if hue is not None and values[hue].dtype.kind in "if"
        else seaborn.color_palette("colorblind", len(series))
    )
    words = values[x].values.tolist() if values[x].dtype.kind not in "iuf" else []
    for number, (its, colour) in enumerate(zip(series, palette, strict=True)):
        one = values if its is None else values.sel({hue: its})
        if not bool(one.notnull().any()):
            continue  # it has no such layer or read-out: a name without a line says nothing
        found = intervals.interval(one.dropna(x, how="all"))
        mean, low, high = (found[name].values for name in ("mean", "low", "high"))
        label = None if its is None else _tick(hue or "", its)
        if words:
            beside = 0.5 * ((number + 0.5) / len(series) - 0.5)
            at = np.array([words.index(name) + beside for name in found[x].values.tolist()])
            spread = np.stack([mean - low, high - mean])
            ax.errorbar(
                at, mean, spread, color=colour, fmt="o", markersize=4, capsize=2, label=label
            )
            continue
        at = found[x].values
        if x == "momentum":
            at = 1 / (1 - at)  # as its label says
        if len(at) == 1:
            spread = np.stack([mean - low, high - mean])
            ax.errorbar(at, mean, spread, color=colour, fmt="o", capsize=2, label=label)
            continue
        ax.plot(at, mean, color=colour, linewidth=1.3, marker="o", markersize=2.5, label=label)
        ax.fill_between(at, low, high, color=colour, alpha=0.2, linewidth=0)
    if words:
        names = [str(name).replace("_", " ") for name in words]
        ax.set_xticks(np.arange(len(words)), names, rotation=30, ha="right")
    if values[x].dtype.kind in "iu":
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=8)
    return ax


def _values(wanted: Wanted, tree: xr.DataTree) -> xr.DataArray:
    """Return what is drawn, in the units it is shown in."""
    outcomes = tree["outcomes"].to_dataset()
    if wanted.figure != "cycles":
        values = outcomes[wanted.outcome]
        with xr.set_options(keep_attrs=True):
            return values * values.attrs.get("scale", 1.0)
    values = wanted.scale * over_cycles(tree, variable(wanted.quantity), wanted.at, wanted.block)
    return values.assign_attrs(long_name=wanted.label or wanted.quantity)


def _chosen(values: xr.DataArray, wanted: Wanted, shown: set[str]) -> xr.DataArray:
    for chosen, value in wanted.select.items():
        labels = values[chosen].values.tolist()
        # Layers are words: '1' is meant by 1.
        found = [n for n, one in enumerate(labels) if one == value or str(one) == str(value)]
        if not found:
            raise InputError(
                f"figure '{wanted.name}': '{chosen}' is never {value}; it is "
                f"{listed(map(str, labels))}"
            )
        values = values.isel({chosen: found[0]})
    for name in values.dims:
        if name in shown or name == "seed":
            continue
        if values.sizes[name] > 1:
            raise InputError(
                f"figure '{wanted.name}': '{name}' has {values.sizes[name]} values; show it as "
                "x, y, hue, columns or rows, or choose one by 'select'"
            )
        values = values.isel({name: 0})
    return values


def _without_folders(values: xr.DataArray) -> xr.DataArray:
    """Return values whose coordinates name files of the user's without their folders."""
    for name in values.dims:
        its = values[name].values.tolist()
        short = [Path(one).name if str(one).startswith("/") else one for one in its]
        if len(set(short)) == len(its):
            values = values.assign_coords({name: short})
    return values


def _labels(values: xr.DataArray, name: str | None) -> list[Any]:
    return [None] if name is None else values[name].values.tolist()


def _limits(values: xr.DataArray) -> tuple[float, float]:
    mean = values.mean("seed")
    finite = mean.values[np.isfinite(mean.values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def _tick(name: str, value: Any) -> str:
    """Return the tick label of a value of a dimension; a momentum is shown by its horizon."""
    return f"{1 / (1 - value):,.0f}" if name == "momentum" else _short(value)


def _short(value: Any) -> str:
    return (
        f"{value:g}" if isinstance(value, (int, float, np.number)) else str(value).replace("_", " ")
    )


def _label(figure: Figure, axes: Any, wanted: Wanted, values: xr.DataArray) -> None:
    quantity = str(values.attrs.get("long_name", wanted.quantity or wanted.outcome))
    below = quantity if wanted.figure != "heatmap" else NAMES.get(wanted.y or "", wanted.y or "")
    for ax in axes[:, 0]:
        ax.set_ylabel(below, fontsize=9)
    for ax in axes[-1, :]:
        ax.set_xlabel(NAMES.get(wanted.x, wanted.x), fontsize=9)
    for ax in axes[:-1, :].flat:
        ax.set_xlabel("")
    if wanted.hue is not None:
        handles, labels = axes[0, 0].get_legend_handles_labels()
        axes[0, -1].legend(
            handles,
            labels,
            title=NAMES.get(wanted.hue, wanted.hue),
            frameon=False,
            fontsize=8,
            title_fontsize=8,
            loc="upper left",
            bbox_to_anchor=(1.01, 1.0),
        )
    title = wanted.title or (quantity if wanted.figure == "heatmap" else "")
    if title:
        figure.suptitle(title, fontsize=10, y=1.0)
    figure.tight_layout()
