"""The accuracy matrix of a life with several tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from wakesleep.errors import InputError, listed

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes


def accuracy_matrix(matrix: xr.DataArray, ax: Axes) -> Axes:
    """Draw the accuracy on every task (across) at the end of every task (down).

    Parameters
    ----------
    matrix
        From :func:`wakesleep.statistics.accuracy_matrix`, of one read-out.
    ax
        Where to draw.

    Raises
    ------
    InputError
        If it has more dimensions than ``after`` and ``task``.
    """
    if set(matrix.dims) != {"after", "task"}:
        others = [str(its) for its in matrix.dims if its not in ("after", "task")]
        raise InputError(
            f"an accuracy matrix is drawn over after and task; select one of {listed(others)}"
            if others
            else "an accuracy matrix has the dimensions after and task"
        )
    values = 100 * matrix.transpose("after", "task").values
    ax.imshow(values, cmap="cividis", vmin=0, vmax=100)
    for (row, column), value in np.ndenumerate(values):
        colour = "black" if value > 55 else "white"
        ax.text(column, row, f"{value:.0f}", ha="center", va="center", color=colour, fontsize=8)
    ax.set_xticks(range(values.shape[1]), [str(its + 1) for its in range(values.shape[1])])
    ax.set_yticks(range(values.shape[0]), [str(its + 1) for its in range(values.shape[0])])
    ax.set_xlabel("accuracy on task (%)")
    ax.set_ylabel("after task")
    return ax
