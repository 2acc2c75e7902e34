"""A contact sheet: some cases of every class of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wakesleep.plots.overview import saved

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CLASSES = 20  # rows of a sheet


def draw_sheet(images: np.ndarray, name: str, ax: Axes) -> Axes:
    """Draw cases side by side.

    Parameters
    ----------
    images
        (cases, height, width, channels); values are shown from 0 (black) to 1 (white).
    name
        Label to the left of the cases.
    ax
        Where to draw.
    """
    height, channels = images.shape[1], images.shape[3]
    tiled = np.pad(images, ((0, 0), (0, 0), (0, 1), (0, 0)), constant_values=1.0)
    row = tiled.transpose(1, 0, 2, 3).reshape(height, -1, channels)
    shown = row if channels == 3 else row.mean(2)
    ax.imshow(shown.clip(0, 1), cmap="gray", vmin=0, vmax=1, interpolation="nearest", aspect="auto")
    ax.set_yticks([(height - 1) / 2], [name])
    ax.set_xticks([])
    ax.tick_params(length=0, labelsize=8)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return ax


def save_sheet(
    images: np.ndarray, labels: np.ndarray, names: list[str], title: str, path: Path, each: int = 12
) -> Path:
    """Draw some cases of every class into a file; its ending sets the format.

    Parameters
    ----------
    images
        (cases, height, width, channels).
    labels
        Class of each case (cases,).
    names
        Of the classes, in order.
    title
        Title of the sheet.
    path
        The file.
    each
        Cases of each class.

    Raises
    ------
    InputError
        If the ending names no format, or the file cannot be written.
    """
    from matplotlib.figure import Figure

    rows = [
        (name, images[labels == number][:each])
        for number, name in enumerate(names[:MOST_CLASSES])
        if (labels == number).any()
    ]
    height, width = images.shape[1:3]
    tall = min(1.2, max(0.35, 6.5 * height / (each * width)))
    figure = Figure(figsize=(7.5, 0.5 + tall * len(rows)))
    axes = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
    for (name, its), ax in zip(rows, axes, strict=True):
        blank = np.ones((each, *images.shape[1:]), images.dtype)
        blank[: len(its)] = its
        draw_sheet(blank, name, ax)
    hidden = len(names) - MOST_CLASSES
    axes[0].set_title(title + (f" (and {hidden} more classes)" if hidden > 0 else ""), fontsize=10)
    return saved(figure, path)
