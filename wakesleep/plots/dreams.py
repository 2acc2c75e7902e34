"""Dreams in rows, one for each class."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wakesleep.plots.overview import saved

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes


def dreams(dreamt: xr.Dataset, ax: Axes, most: int = 12) -> Axes:
    """Draw dreams as images, one row for each class they started from (or each dreamt label).

    Parameters
    ----------
    dreamt
        From :func:`wakesleep.dreams`.
    ax
        Where to draw.
    most
        Largest number of dreams shown per class.
    """
    began = dreamt.attrs.get("start", "label") == "label"
    labels = dreamt["label" if began else "dreamt_label"].values
    classes, counts = np.unique(labels, return_counts=True)
    height = dreamt.sizes["row"]
    rows = []
    for its in classes:
        chosen = dreamt["image"].values[labels == its][:most]
        missing = min(most, counts.max()) - len(chosen)
        framed = np.pad(chosen, ((0, missing), (1, 1), (1, 1)))
        rows.append(np.concatenate(list(framed), axis=1))
    ax.imshow(np.concatenate(rows), cmap="gray_r", interpolation="nearest", vmin=0, vmax=1)
    ax.set_xticks([])
    ax.set_yticks([(height + 2) * (n + 0.5) - 0.5 for n in range(len(classes))], classes)
    ax.tick_params(length=0, labelsize=8)
    ax.set_ylabel("dreamt of" if began else "label that came down", fontsize=9)
    ax.spines[:].set_visible(False)
    return ax


def save_dreams(dreamt: xr.Dataset, path: str | Path) -> Path:
    """Draw :func:`dreams` into a file; its ending sets the format.

    Raises
    ------
    InputError
        If the ending names no format, or the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0, 4.4))
    dreams(dreamt, figure.subplots())
    return saved(figure, Path(path))
