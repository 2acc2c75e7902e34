"""Cells of the tables on the results pages."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

import wakesleep as ws
from wakesleep.results.store import to_netcdf


def cell(values: xr.DataArray, scale: float = 1.0, digits: int = 1, sign: str = "") -> str:
    """Return mean and half of the 95 % interval over seeds; sign "+" also marks gains.

    Nothing, where there are no numbers.
    """
    found = ws.statistics.interval(values * scale)
    if bool(values.isnull().all()):
        return ""
    mean, half = float(found["mean"]), float(found["high"] - found["mean"])
    return f"{mean:{sign}.{digits}f} ± {half:.{digits}f}"


def keep(found: xr.Dataset, file: Path) -> None:
    """Write results into a file, in place of an older one."""
    file.unlink(missing_ok=True)
    to_netcdf(found, file)


def keep_with_others(found: xr.Dataset, file: Path) -> None:
    """Write results over ``model`` and ``seed`` into a file; what it has of others stays."""
    if file.exists():
        found = found.combine_first(xr.load_dataset(file, engine="scipy"))
    keep(found, file)
