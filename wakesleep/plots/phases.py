"""Phases: their order and colours, the hypnogram, and the shading behind other curves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from wakesleep.errors import InputError
from wakesleep.results import phases

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

# Stages from top to bottom. Wake is on top, as in sleep medicine. The colour distinguishes a lost
# night from a day, and recovery from any other night. Interleaved steps, which are both awake and
# asleep, are drawn as BOTH unless the protocol sets another stage.
ORDER = ("BOTH", "WAKE", "REM", "N1", "N2", "NREM", "N3", "ART", "UNS")
WHITE = "#ffffff"
COLOURS = {
    "interleaved": WHITE,
    "wake": WHITE,
    "deprivation": "#f6d5cf",
    "rest": "#ececec",
    "recovery": "#d3e8d3",
    "sleep": "#d5dfee",
    "replay": "#cfe6ea",
    "downscale": "#e6e3cf",
    "spontaneous": "#d9e2d0",
    "consolidate": "#e9dccb",
    "unrecorded": "#f6f6f6",
}
LONG_CLOCK, SHORT_CLOCK = 48.0, 6.0  # hours: days are marked above the first, none below the second
DREAMS = "#e0d5ee"  # sleep that is scored as REM


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


def curve(result: xr.Dataset, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of a curve over probes, with a gap wherever phases were not recorded.

    Parameters
    ----------
    result
        A result.
    values
        One value for each probe (probe,).
    """
    steps = result["step"].values
    events = phases.hypnogram(result)
    hidden = events["onset"].values[events["phase"].values == "unrecorded"]
    at = np.searchsorted(steps, hidden, side="right")
    x = np.insert(position(result, steps).astype(float), at, np.nan)
    return x, np.insert(np.asarray(values, dtype=float), at, np.nan)


def axis_label(result: xr.Dataset) -> str:
    """Return the label of the x axis."""
    return "time (h)" if has_clock(result) else "weight updates"


def set_clock(result: xr.Dataset, ax: Axes, left: float, right: float) -> None:
    """Mark days, or hours of the day, on an x axis that shows hours of a clock of 24 h.

    Parameters
    ----------
    result
        A result.
    ax
        Axes whose x axis is that of :func:`hypnogram`.
    left, right
        Range of the axis, in hours.
    """
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    clock = json.loads(result.attrs.get("protocol_resolved", "{}")).get("clock") or {}
    if not has_clock(result) or clock.get("day_h") not in (None, 24, 24.0):
        return
    if right - left > LONG_CLOCK:
        days = max(1, round((right - left) / 24 / 8))  # about eight ticks, each at midnight
        ax.xaxis.set_major_locator(MultipleLocator(24 * days))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda hour, _: f"{hour / 24:.0f}"))
        ax.set_xlabel("days (ticks: midnight)")
    elif right - left >= SHORT_CLOCK:
        ax.xaxis.set_major_locator(MultipleLocator(max(1, round((right - left) / 8))))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda hour, _: f"{hour % 24:.0f}:00"))
        ax.set_xlabel("time of day")


def shade(result: xr.Dataset, ax: Axes, labels: bool = False) -> Axes:
    """Shade the phases behind the curves on the axes.

    Parameters
    ----------
    result
        A result.
    ax
        Axes whose x axis is that of :func:`hypnogram`.
    labels
        Name each colour for a legend.
    """
    events = phases.hypnogram(result)
    spans: dict[str, list[tuple[float, float]]] = {}
    colours = {}
    for phase, stage, onset, offset in zip(
        (str(phase) for phase in events["phase"].values),
        (str(stage) for stage in events["stage"].values),
        position(result, events["onset"].values),
        position(result, events["offset"].values),
        strict=True,
    ):
        if COLOURS[phase] == WHITE:
            continue
        dreams = phase == "sleep" and stage == "REM"
        name, colour = ("sleep, dreams", DREAMS) if dreams else (phase, COLOURS[phase])
        spans.setdefault(name, []).append((onset, offset - onset))
        colours[name] = colour
    for name, its in spans.items():  # one artist for each: thousands of phases are drawn at once
        ax.broken_barh(
            its,
            (0, 1),
            transform=ax.get_xaxis_transform(),
            color=colours[name],
            linewidth=0,
            zorder=0,
            label=name if labels else None,
        )
    return ax


def _row(phase: str, stage: str) -> str:
    """Return the row of the hypnogram for a phase; none for phases that are not recorded."""
    if phase == "unrecorded":
        return ""
    return "BOTH" if phase == "interleaved" and stage == "UNS" else stage


def hypnogram(result: xr.Dataset, ax: Axes) -> Axes:
    """Draw which phase the network was in, as stairs with wake on top.

    Parameters
    ----------
    result
        A result of :func:`wakesleep.run` or :func:`wakesleep.open`.
    ax
        Where to draw.

    Raises
    ------
    InputError
        If no phase has lasted for a step so far.
    """
    events = phases.hypnogram(result)
    if not events.sizes["event"]:
        raise InputError("nothing to plot: no phase has lasted for a step so far")
    drawn = [
        _row(str(phase), str(stage))
        for phase, stage in zip(events["phase"].values, events["stage"].values, strict=True)
    ]
    stages = [stage for stage in ORDER if stage in drawn]
    # Unrecorded phases have no stage: the line has a gap there.
    levels = np.array([-stages.index(stage) if stage in stages else np.nan for stage in drawn])
    edges = np.append(events["onset"].values, events["offset"].values[-1])
    shade(result, ax, labels=True)
    ax.stairs(levels, position(result, edges), baseline=None, color="black", linewidth=1.2)
    ax.set_yticks([-number for number in range(len(stages))], stages)
    ax.set_ylim(-len(stages) + 0.5, 0.5)
    ax.set_xlabel(axis_label(result))
    ax.tick_params(axis="y", length=0)
    return ax
