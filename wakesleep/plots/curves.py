"""Recorded quantities over the phases of a run."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from wakesleep.plots.phases import axis_label, curve, shade
from wakesleep.results.intervals import wilson

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

# Okabe & Ito's colours, which colour-blind readers can distinguish.
POSITIVE, NEGATIVE = "#0072b2", "#d55e00"
# Quantities with one number per probe, and their axis labels.
NUMBERS = {
    "sleep_pressure": "process S",
    "divergence": "divergence\n(nat)",
    "distinct_codes": "distinct\ncodes",
    "completion": "completion",
    "stable_fraction": "stable\npatterns",
}
DETECTION = {"d_prime": "sensitivity\nd'", "criterion": "criterion\nc"}
READOUTS = ("#000000", "#7a7a7a", "#009e73", "#cc79a7")


def goodness(result: xr.Dataset, layer: str, ax: Axes) -> Axes:
    """Draw one layer's mean goodness on real and on negative data, and its threshold.

    Parameters
    ----------
    result
        A result.
    layer
        Name of the layer.
    ax
        Where to draw.
    """
    values = result["goodness"].sel(layer=layer)
    shade(result, ax)
    if "threshold" in result:
        ax.axhline(
            result["threshold"].sel(layer=layer).item(),
            color="black",
            linestyle=":",
            linewidth=0.9,
            label=r"threshold $\theta$",
        )
    for sign, colour, name in (("positive", POSITIVE, "real"), ("negative", NEGATIVE, "negative")):
        x, y = curve(result, values.sel(sign=sign).values)
        ax.plot(x, y, color=colour, linewidth=1.4, label=name)
    _leave_out_the_start(result, values, ax)
    ax.set_ylabel(f"goodness\nlayer {layer}")
    ax.set_xlabel(axis_label(result))
    return ax


def _leave_out_the_start(result: xr.Dataset, values: xr.DataArray, ax: Axes) -> None:
    """End the axis below the goodness before learning, if that would dwarf the rest."""
    later = values.values[1:]
    if int(result["step"][0]) or not np.isfinite(later).all() or not later.max() > 0:
        return
    if values.values[0].max() > 3 * later.max():
        ax.set_ylim(bottom=min(0.0, 1.15 * later.min()), top=1.15 * later.max())


def number(result: xr.Dataset, name: str, ax: Axes) -> Axes:
    """Draw one of :data:`NUMBERS`.

    Parameters
    ----------
    result
        A result that has it.
    name
        Which.
    ax
        Where to draw.
    """
    shade(result, ax)
    x, y = curve(result, result[name].values)
    ax.plot(x, y, color="black", linewidth=1.4)
    ax.set_ylabel(NUMBERS[name])
    ax.set_xlabel(axis_label(result))
    return ax


def error(result: xr.Dataset, ax: Axes) -> Axes:
    """Draw the classification error of every read-out, in per cent.

    Parameters
    ----------
    result
        A result.
    ax
        Where to draw.
    """
    from matplotlib.ticker import LogLocator, NullLocator, ScalarFormatter

    shade(result, ax)
    for readout, colour in zip(result["readout"].values, itertools.cycle(READOUTS), strict=False):
        _per_cent(result, result["error"].sel(readout=readout), ax, colour, str(readout))
    drawn = 100 * result["error"].values
    if drawn.max() > 10 * max(float(np.median(drawn)), 1e-9) and drawn.min() > 0:
        # The error falls from chance to a few per cent: a linear axis would show a flat line.
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter(ScalarFormatter())
        ax.yaxis.set_minor_locator(NullLocator())
    ax.set_ylabel("error (%)")
    ax.set_xlabel(axis_label(result))
    return ax


def layer_colours(number: int) -> list[Any]:
    """Return a colour for each layer: shades of one colour, which is used for nothing else."""
    import seaborn

    return list(seaborn.dark_palette("#a58bd0", number, reverse=False))


def detection(result: xr.Dataset, name: str, ax: Axes) -> Axes:
    """Draw sensitivity ``d_prime`` or ``criterion`` of each layer.

    Parameters
    ----------
    result
        A result that has it.
    name
        Which.
    ax
        Where to draw.
    """
    shade(result, ax)
    layers = result["layer"].values
    ax.axhline(0, color="black", linestyle=":", linewidth=0.9)
    for layer, colour in zip(layers, layer_colours(len(layers)), strict=True):
        x, y = curve(result, result[name].sel(layer=layer).values)
        ax.plot(x, y, color=colour, linewidth=1.4, label=f"layer {layer}")
    ax.set_ylabel(DETECTION[name])
    ax.set_xlabel(axis_label(result))
    return ax


def false_positives(result: xr.Dataset, ax: Axes) -> Axes:
    """Draw the share of negative data that each layer takes for real, in per cent.

    Parameters
    ----------
    result
        A result.
    ax
        Where to draw.
    """
    shade(result, ax)
    layers = result["layer"].values
    for layer, colour in zip(layers, layer_colours(len(layers)), strict=True):
        rate = result["false_positive_rate"].sel(layer=layer)
        _per_cent(result, rate, ax, colour, f"layer {layer}")
    ax.set_ylabel("negatives\nas real (%)")
    top = max(5.0, 100 * float(result["false_positive_rate"].max()))
    ax.set_ylim(-0.04 * top, 1.04 * top)
    ax.set_xlabel(axis_label(result))
    return ax


def counted_cases(result: xr.Dataset) -> int | None:
    """Return the number of validation cases behind a share, if the result is of one run.

    Results of older versions do not store it.
    """
    return result.attrs.get("validation_cases") if "seed" in result.attrs else None


def _per_cent(result: xr.Dataset, values: xr.DataArray, ax: Axes, colour: Any, label: str) -> None:
    x, y = curve(result, 100 * values.values)
    ax.plot(x, y, color=colour, linewidth=1.4, label=label)
    cases = counted_cases(result)
    if cases:
        low, high = (curve(result, 100 * its)[1] for its in wilson(values.values, cases))
        ax.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)


def beside(draw: Callable[..., Axes], control: xr.Dataset, ax: Axes) -> None:
    """Draw the curves of a control into a panel, dashed and in the panel's colours.

    Parameters
    ----------
    draw
        The function that drew the panel.
    control
        The result of the control.
    ax
        The panel.
    """
    from matplotlib.figure import Figure

    apart = draw(control, ax=Figure().subplots())
    for line in apart.lines:
        if line.get_linestyle() == "-":  # not a threshold
            x, y = line.get_data()
            ax.plot(x, y, color=line.get_color(), linewidth=1.0, linestyle="--")
    (low, high), (its_low, its_high) = ax.get_ylim(), apart.get_ylim()
    ax.set_ylim(min(low, its_low), max(high, its_high))
