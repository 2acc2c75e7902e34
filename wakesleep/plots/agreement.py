"""Figures of agreement: coincidence detectors beside measures of rates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wakesleep.plots.overview import saved

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

SCENARIO = "timing and rate"


def draw_agreement(tree: xr.DataTree) -> Figure:
    """Draw a survey: window, threshold, lag, correlation and background, and the controls.

    Parameters
    ----------
    tree
        From :func:`wakesleep.experiments.coincidence.agreement.survey`.
    """
    import seaborn as sns
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 6), layout="constrained")
    axes = figure.subplots(2, 3)
    colours = sns.color_palette("colorblind")
    jitter = tree["jitter"].to_dataset()
    _windows(axes[0, 0], jitter.sel(scenario=SCENARIO), sns.color_palette("viridis", 5))
    _thresholds(axes[0, 1], jitter.sel(scenario="timing", jitter=1.0), colours)
    _controls(axes[0, 2], jitter, colours)
    for ax, name in zip(axes[1], ("lag", "correlation", "background"), strict=True):
        _sweep(ax, tree[name].to_dataset().isel(scenario=0), name, colours)
    sns.despine(fig=figure)
    return figure


def save_agreement(tree: xr.DataTree, path: str | Path) -> Path:
    """Write :func:`draw_agreement` to a file and return its path."""
    return saved(draw_agreement(tree), Path(path))


def _windows(ax: Any, its: xr.Dataset, colours: Any) -> None:
    best = its["d_prime"].sel(theta=slice(1.01, 2)).max("theta")
    for colour, jitter in zip(colours, its["jitter"].values, strict=False):
        ax.plot(its["tau"], best.sel(jitter=jitter), "o-", color=colour, label=f"{jitter:g} ms")
    rate = float(its["rate_d_prime"].sel(measure="norm-corrected rate").mean())
    ax.axhline(rate, color="0.4", linestyle="--")
    ax.annotate("norm-corrected rates", (its["tau"].min(), rate), va="bottom", fontsize="small")
    ax.set(xscale="log", xlabel="window τ (ms)", ylabel="d' at the best threshold")
    _ticks(ax, its["tau"].values)
    ax.set_title("timing and rate informative", fontsize="medium")
    ax.set_ylim(-0.3, 1.55 * float(best.max()))
    ax.legend(title="jitter", fontsize="small", frameon=False, ncols=3, loc="upper center")


def _thresholds(ax: Any, its: xr.Dataset, colours: Any) -> None:
    for colour, tau in zip(colours, (2.0, 5.0, 10.0), strict=False):
        line = its["auc"].sel(tau=tau)
        ax.plot(its["theta"], line, "o-", color=colour, label=f"{tau:g} ms")
    ax.axvspan(1, 2, color="0.92", zorder=0)
    ax.axhline(0.5, color="0.7", linewidth=0.8)
    ax.set(xlabel="threshold (mean volleys)", ylabel="AUC", ylim=(-0.05, 1.05))
    ax.set_title("timing alone, jitter 1 ms", fontsize="medium")
    ax.set_xlim(right=2.55)
    ax.legend(title="window τ", fontsize="small", frameon=False, loc="center right")


def _controls(ax: Any, its: xr.Dataset, colours: Any) -> None:
    usual = {"tau": 5.0, "theta": 1.17}
    here = its.sel(scenario="timing")
    spikes = here.sel(usual)
    low, high = spikes["auc"] - spikes["auc_low"], spikes["auc_high"] - spikes["auc"]
    ax.errorbar(
        its["jitter"],
        spikes["auc"],
        [low.clip(0), high.clip(0)],
        fmt="o-",
        capsize=2,
        color=colours[0],
        label="coincidence",
    )
    ax.plot(its["jitter"], spikes["shuffled_auc"], "s-", color=colours[1], label="times shuffled")
    for colour, measure in zip(colours[2:], its["measure"].values, strict=False):
        line = here["rate_auc"].sel(measure=measure)
        ax.plot(its["jitter"], line, "^-", color=colour, label=str(measure))
    ax.set(xscale="log", xlabel="jitter (ms)", ylabel="AUC", ylim=(0.3, 1.05))
    _ticks(ax, its["jitter"].values)
    ax.set_title("timing alone, τ 5 ms, 1.17 volleys", fontsize="medium")
    ax.legend(fontsize="small", frameon=False, loc="center left")


def _sweep(ax: Any, its: xr.Dataset, name: str, colours: Any) -> None:
    for colour, tau in zip(colours, (2.0, 5.0, 10.0, 20.0), strict=False):
        line = its["auc"].sel(tau=tau).squeeze("theta")
        ax.plot(its[name], line, "o-", color=colour, label=f"{tau:g} ms")
    words = its[name].attrs
    unit = "" if words["units"] == "1" else f" ({words['units']})"
    ax.axhline(0.5, color="0.7", linewidth=0.8)
    ax.set(
        xlabel=f"{words['long_name']}{unit}",
        ylabel=f"AUC at {float(its['theta'].item()):g} volleys",
    )
    ax.set(ylim=(-0.05, 1.05))
    if name == "correlation":
        ax.legend(title="window τ", fontsize="small", frameon=False, loc="lower right")


def _ticks(ax: Any, values: Any) -> None:
    ax.set_xticks(values, [f"{value:g}" for value in values])
    ax.minorticks_off()
