"""Axes that all panels of a figure share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from wakesleep.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from wakesleep.plots.wanted import Figure as Wanted


def set_scales(axes: Any, wanted: Wanted, values: xr.DataArray) -> None:
    """Set what all panels share: the range of the measured values, and logarithmic axes.

    A t interval of two seeds can be very large, so intervals do not affect the range.
    """
    finite = values.values[np.isfinite(values.values)]
    if "y" not in wanted.log and finite.size and finite.min() < finite.max():
        least, most = float(finite.min()), float(finite.max())
        room = 0.15 * (most - least)
        # Values that are never negative get (almost) no space below 0.
        low = least - room if least < 0 else max(least - room, -0.03 * most)
        axes[0, 0].set_ylim(low, most + room)
    for which in wanted.log:
        drawn = [
            np.asarray(line.get_data()[which == "y"], dtype=float)
            for ax in axes.flat
            for line in ax.lines
        ]
        above = np.concatenate(drawn)
        above = above[above > 0]
        if not above.size:
            raise InputError(f"axis {which} cannot be logarithmic: nothing on it is above 0")
        if which == "y":
            axes[0, 0].set_ylim(float(above.min()) / 1.3, float(above.max()) * 1.3)
        for ax in axes.flat:
            _logarithmic(ax, which)


def _logarithmic(ax: Axes, which: str) -> None:
    """Make an axis logarithmic, with plain numbers at its ticks."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    getattr(ax, f"set_{which}scale")("log")
    axis = getattr(ax, f"{which}axis")
    low, high = axis.get_view_interval()
    # Over less than two decades the powers of ten alone would leave an axis without numbers.
    axis.set_major_locator(LogLocator(subs=(1,) if high > 200 * low else (1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_formatter(NullFormatter())
