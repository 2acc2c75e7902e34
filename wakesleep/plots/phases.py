"""Phases: their order and colours, the hypnogram, and the shading behind other curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from wakesleep import statistics

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

# From the top of a hypnogram down; wake on top, as in sleep medicine.
ORDER = ("interleaved", "wake", "deprivation", "rest", "recovery", "sleep")
COLOURS = {
    "interleaved": "#f2f2f2",
    "wake": "#ffffff",
    "deprivation": "#f6d5cf",
    "rest": "#ececec",
    "recovery": "#d3e8d3",
    "sleep": "#d5dfee",
}


def position(result: xr.Dataset, steps: np.ndarray) -> np.ndarray:
    """Return where steps lie on the x axis: hours where the protocol has a clock, else updates."""
    if not has_clock(result):
        return steps
    known, hours = result["step"].values, result["time_h"].values
    first, last = known.argmin(), known.argmax()
    if known[first] == known[last]:
        return np.full(np.shape(steps), hours[first])
    slope = (hours[last] - hours[first]) / (known[last] - known[first])
    return np.asarray(hours[first] + (steps - known[first]) * slope)


def has_clock(result: xr.Dataset) -> bool:
    """Say whether the result's protocol has a clock."""
    return bool(np.isfinite(result["time_h"].values).all())


def axis_label(result: xr.Dataset) -> str:
    """Return the label of the x axis."""
    return "time (h)" if has_clock(result) else "weight updates"


def shade(result: xr.Dataset, ax: Axes) -> Axes:
    """Shade the phases behind whatever is on the axes.

    Parameters
    ----------
    result
        A result.
    ax
        Axes whose x axis is that of :func:`hypnogram`.
    """
    events = statistics.hypnogram(result)
    for phase, onset, offset in zip(
        events["phase"].values,
        position(result, events["onset"].values),
        position(result, events["offset"].values),
        strict=True,
    ):
        if COLOURS[str(phase)] != "#ffffff":
            ax.axvspan(onset, offset, color=COLOURS[str(phase)], linewidth=0, zorder=0)
    return ax


def hypnogram(result: xr.Dataset, ax: Axes) -> Axes:
    """Draw which phase the network was in, as stairs with wake on top.

    Parameters
    ----------
    result
        A result of :func:`wakesleep.run` or :func:`wakesleep.open`.
    ax
        Where to draw.
    """
    events = statistics.hypnogram(result)
    present = [phase for phase in ORDER if phase in events["phase"].values]
    level = {phase: -number for number, phase in enumerate(present)}
    levels = np.array([level[str(phase)] for phase in events["phase"].values])
    edges = np.append(events["onset"].values, events["offset"].values[-1])
    shade(result, ax)
    ax.stairs(levels, position(result, edges), baseline=None, color="black", linewidth=1.2)
    ax.set_yticks([level[phase] for phase in present], [phase.upper() for phase in present])
    ax.set_ylim(-len(present) + 0.5, 0.5)
    ax.set_xlabel(axis_label(result))
    ax.tick_params(axis="y", length=0)
    return ax
