"""Figures of cortical activity through wake and sleep."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wakesleep.plots.overview import saved
from wakesleep.plots.phases import COLOURS, DREAMS, WHITE

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

SHADES = {"WAKE": WHITE, "NREM": COLOURS["sleep"], "REM": DREAMS}


def draw_activity(result: xr.Dataset) -> Figure:
    """Draw spikes of some neurons, the rates of both populations and adaptation over time.

    Parameters
    ----------
    result
        From :func:`wakesleep.experiments.cortex.activity.activity`.
    """
    import seaborn as sns
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.5), layout="constrained")
    spikes, rates, drive = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 1))
    colours = sns.color_palette("colorblind")
    for ax in (spikes, rates, drive):
        for name, onset, duration in zip(
            result["stage_name"].values,
            result["onset"].values,
            result["duration"].values,
            strict=True,
        ):
            ax.axvspan(onset, onset + duration, color=SHADES[str(name)], linewidth=0, zorder=0)
    for place, name in enumerate(result["stage_name"].values):
        here = result.isel(stage=place)
        middle = float(here["onset"] + here["duration"] / 2)
        told = (
            f"{name}\nDown {100 * float(here['down_share']):.0f} %, bimodality "
            f"{float(here['bimodality']):.2f}, δ {100 * float(here['delta_share']):.0f} %"
        )
        spikes.annotate(
            told,
            (middle, 1.02),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="bottom",
            fontsize=8,
        )
    spikes.plot(
        result["spike_time"],
        result["spike_neuron"],
        ".",
        markersize=1,
        color="0.2",
        rasterized=True,
    )
    spikes.set_ylabel("neuron")
    for population, colour in zip(("inhibitory", "excitatory"), colours[1::-1], strict=True):
        rates.plot(
            result["time"],
            result["rate"].sel(population=population).rolling(time=5, center=True).mean(),
            linewidth=0.8,
            color=colour,
            label=population,
        )
    rates.set_ylabel("rate (Hz)")
    rates.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    drive.plot(result["time"], result["adaptation"], color="0.2")
    drive.set(xlabel="time (s)", ylabel="b (pA)", xlim=(0, float(result["time"].max())))
    sns.despine(fig=figure)
    return figure


def save_activity(result: xr.Dataset, path: str | Path) -> Path:
    """Write :func:`draw_activity` to a file and return its path."""
    return saved(draw_activity(result), Path(path))
