"""What networks see: receptive fields, hybrids, activities, the goodness of labels."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wakesleep.plots.overview import saved
from wakesleep.plots.raster import draw_spikes

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_fields(fields: xr.Dataset, ax: Axes) -> Axes:
    """Draw receptive fields in a square, each scaled by its own largest weight.

    Parameters
    ----------
    fields
        From :func:`wakesleep.networks.views.receptive_fields`.
    ax
        Where to draw. Grey is 0, white positive, black negative; colours likewise.
    """
    weights = fields["weight"].values
    most = np.abs(weights).max((1, 2, 3), keepdims=True)
    grey = 0.5 + 0.5 * weights / np.where(most > 0, most, 1)
    across = math.ceil(math.sqrt(len(grey)))
    missing = -len(grey) % across
    framed = np.pad(grey, ((0, missing), (1, 1), (1, 1), (0, 0)), constant_values=1.0)
    rows = [np.concatenate(list(row), axis=1) for row in np.split(framed, len(framed) // across)]
    _picture(np.concatenate(rows), ax)
    shown, total = len(weights), fields.attrs["units"]
    chosen = f"{total} units" if shown == total else f"{shown} of {total} units, drawn at random"
    ax.set_title(f"{fields.attrs['title']}\nlayer 1: {chosen}", fontsize=9)
    signs = "grey zero, white positive" if weights.shape[3] == 1 else "grey zero, bright positive"
    ax.set_xlabel(f"weights, each unit by its own largest:\ndark negative, {signs}", fontsize=8)
    return ax


def draw_hybrids(hybrids: xr.Dataset, ax: Axes) -> Axes:
    """Draw hybrids in columns, under the images and the mask that they are made of.

    Parameters
    ----------
    hybrids
        From :func:`wakesleep.networks.views.hybrids`.
    ax
        Where to draw.
    """
    images = hybrids["image"].values
    framed = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1), (0, 0)), constant_values=0.5)
    rows = [np.concatenate(list(row), axis=1) for row in framed]
    _picture(np.concatenate(rows), ax)
    height = framed.shape[2]
    names = {"mask": "mask (white:\nthe first)"}
    parts = [names.get(str(part), str(part)) for part in hybrids["part"].values]
    ax.set_yticks([height * (n + 0.5) - 0.5 for n in range(len(rows))], parts)
    ax.set_title(hybrids.attrs["title"], fontsize=9)
    ax.tick_params(length=0, labelsize=9)
    return ax


def draw_activities(seen: xr.Dataset) -> Figure:
    """Return a figure of all layers' activities with the right and with a wrong label.

    Parameters
    ----------
    seen
        From :func:`wakesleep.networks.views.activities`. Units are in order of their activity with
        the right label.
    """
    from matplotlib.figure import Figure

    layers = [name for name in seen.data_vars if str(name).startswith("activity_")]
    figure = Figure(figsize=(1.6 + 2.3 * len(layers), 2.4), layout="constrained")
    image, *axes = figure.subplots(
        1, len(layers) + 1, gridspec_kw={"width_ratios": [0.8] + [1] * len(layers)}
    )
    _picture(seen["image"].values, image)
    right, wrong = (int(its) for its in seen["label"].values)
    for name, ax in zip(layers, axes, strict=True):
        y = seen[name].values
        order = np.argsort(-y[0], kind="stable")
        ax.plot(
            y[1][order], color="#c44e52", lw=0.6, label=f"as a {wrong} (wrong)", rasterized=True
        )
        ax.plot(y[0][order], color="#30638e", lw=1.4, label=f"as a {right} (right)")
        goodness = np.square(y).sum(1)
        ax.set_title(
            f"layer {str(name).removeprefix('activity_')}\nsum of squares:\n"
            f"right {goodness[0]:.0f}, wrong {goodness[1]:.0f}",
            fontsize=9,
        )
        ax.set_xlabel("unit, by activity", fontsize=9)
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelsize=8)
    axes[0].set_ylabel("activity", fontsize=9)
    axes[-1].legend(frameon=False, fontsize=8, loc="upper right")
    return figure


def draw_labels(found: xr.Dataset) -> Figure:
    """Return a figure of the goodness of every label: a row for each image, a column a layer.

    Parameters
    ----------
    found
        From :func:`wakesleep.networks.views.label_goodness`. With several steps in time, goodness
        is drawn as lines over time, and the steps that choose the label are shaded. Otherwise it
        is drawn as bars over labels, minus their mean. The right label is blue; the label with
        the highest goodness in the layer is a red line, or has a ring.
    """
    from matplotlib.figure import Figure

    goodness = found["goodness"]
    cases, layers = goodness.sizes["case"], goodness.sizes["layer"]
    figure = Figure(figsize=(1.3 + 2.2 * layers, 0.4 + 1.2 * cases), layout="constrained")
    axes = figure.subplots(
        cases,
        layers + 1,
        squeeze=False,
        gridspec_kw={"width_ratios": [0.6] + [1] * layers},
    )
    labels = found["label"].values
    first, last = found.attrs["judged"]
    told = "blue: the right label;  red: what the layer finds best, where that is another"
    if goodness.sizes["time"] > 1:
        told = f"{told};\nshaded: the steps in time that pick the label"
    figure.suptitle(told, fontsize=9)
    for row, (image, *panels) in enumerate(axes):
        _picture(found["image"].values[row], image)
        right = int(found["label_of_case"].values[row])
        for depth, ax in enumerate(panels):
            values = goodness.values[:, depth, row]
            best = int(values[first - 1 : last].mean(0).argmax())
            if len(values) > 1:
                for label in labels:
                    dark = label == right
                    ax.plot(
                        found["time"].values,
                        values[:, label],
                        color="#30638e" if dark else "#c44e52" if label == best else "0.75",
                        lw=1.8 if dark else 1.0,
                        zorder=3 if dark else 2,
                    )
                ax.axvspan(first, last, color="0.93", zorder=0, lw=0)
                ax.set_xlabel("step in time" if row == cases - 1 else "", fontsize=9)
            else:
                colours = ["#30638e" if label == right else "0.75" for label in labels]
                heights = values[0] - values[0].mean()
                ax.bar(labels, heights, color=colours)
                ax.axhline(0, color="0.3", lw=0.6)
                room = 0.15 * np.ptp(heights) or 1.0
                ax.set_ylim(heights.min() - room, heights.max() + room)
                ax.plot(best, heights.max() + 0.5 * room, "o", mfc="none", mec="#c44e52", ms=4)
                ax.set_xticks(labels)
                ax.set_xlabel("label" if row == cases - 1 else "", fontsize=9)
            if row == 0:
                ax.set_title(f"layer {found['layer'].values[depth]}", fontsize=9)
            ax.spines[["top", "right"]].set_visible(False)
            ax.tick_params(labelsize=7)
        what = "goodness" if goodness.sizes["time"] > 1 else "goodness\nless its mean"
        panels[0].set_ylabel(what, fontsize=9)
    return figure


def save_look(found: xr.Dataset, what: str, path: str | Path) -> Path:
    """Draw the output of ``look`` into a file; its ending sets the format.

    Parameters
    ----------
    found
        From a function of :mod:`wakesleep.networks.views`, or from :func:`wakesleep.spikes`.
    what
        ``fields``, ``hybrids``, ``activity``, ``labels`` or ``spikes``.
    path
        The file.

    Raises
    ------
    InputError
        If the ending names no format, or the file cannot be written.
    """
    from matplotlib.figure import Figure

    whole = {"activity": draw_activities, "labels": draw_labels, "spikes": draw_spikes}
    if what in whole:
        return saved(whole[what](found), Path(path))
    figure = Figure(figsize=(5.0, 5.0))
    ax = figure.subplots()
    draw_fields(found, ax) if what == "fields" else draw_hybrids(found, ax)
    return saved(figure, Path(path))


def _picture(image: np.ndarray, ax: Axes) -> Axes:
    """Show an image (row, column, colour) without axes."""
    grey = image.shape[2] == 1
    ax.imshow(
        image[..., 0] if grey else image,
        cmap="gray",
        interpolation="nearest",
        vmin=0,
        vmax=1,
    )
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    return ax
