"""Spikes as dots: time to the right, neurons upwards, inputs below and the layers above them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

DOT = 1.5  # points


def draw_spikes(found: xr.Dataset) -> Figure:
    """Return a figure of every spike: a column for each case, a row for the inputs and each layer.

    Parameters
    ----------
    found
        From :func:`wakesleep.spikes`. The label's inputs are red and lie at the top of the inputs;
        the goodness of each layer is written above it.
    """
    from matplotlib.figure import Figure

    neurons, shown = found.attrs["neurons"], found["shown"].values
    labels = neurons[0] - found.attrs["label_inputs"]
    figure = Figure(figsize=(1.0 + 2.2 * len(shown), 1.0 + 1.7 * len(neurons)))
    axes = figure.subplots(
        len(neurons),
        len(shown),
        squeeze=False,
        sharex=True,
        sharey="row",
        gridspec_kw={"wspace": 0.08, "hspace": 0.25},
    )
    for column, case in enumerate(shown):
        its = found.isel(shown=column)
        for depth, ax in enumerate(axes[::-1, column]):
            mine = found.isel(spike=(found.layer.values == depth) & (found.case.values == case))
            time, neuron = 1000 * mine.time.values, mine.neuron.values
            dots = {"linestyle": "none", "marker": "o", "ms": DOT, "mew": 0}
            if depth == 0:
                named = neuron >= labels
                ax.plot(time[~named], neuron[~named], color="0.3", **dots)
                ax.plot(time[named], neuron[named], color="#c44e52", **dots | {"ms": 2 * DOT})
            else:
                ax.plot(time, neuron, color="0.1", **dots)
                told = f"goodness {float(its.goodness[depth - 1]):.2f}"
                if ax is axes[0, column]:
                    told = f"case {case}: a {int(its.label)}, read as {int(its.read)}\n{told}"
                ax.set_title(told, fontsize=8, pad=2, loc="right")
            ax.set_xlim(0, 1000 * found.attrs["duration_s"])
            ax.set_ylim(-1, neurons[depth])
            ax.spines[["top", "right"]].set_visible(False)
            ax.tick_params(labelsize=8)
        axes[-1, column].set_xlabel("time (ms)", fontsize=9)
    names = [f"layer {name}" for name in found["layer_name"].values]
    for ax, name in zip(axes[::-1, 0], ["inputs (red: label)", *names], strict=True):
        ax.set_ylabel(name, fontsize=9)
    figure.align_ylabels(axes[:, 0])
    return figure
