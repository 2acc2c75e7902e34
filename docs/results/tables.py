"""Cells of the tables on the results pages."""

from __future__ import annotations

import xarray as xr

import wakesleep as ws


def cell(values: xr.DataArray, scale: float = 1.0, digits: int = 1, sign: str = "") -> str:
    """Return mean and half of the 95 % interval over seeds; sign "+" also marks gains.

    Nothing, where there are no numbers.
    """
    found = ws.statistics.interval(values * scale)
    if bool(values.isnull().all()):
        return ""
    mean, half = float(found["mean"]), float(found["high"] - found["mean"])
    return f"{mean:{sign}.{digits}f} ± {half:.{digits}f}"
