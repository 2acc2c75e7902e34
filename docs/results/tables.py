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


def keep_with_others(found: xr.Dataset, file: Path) -> None:
    """Write results over ``model`` into a file; its models that are not among them stay."""
    if file.exists():
        before = xr.load_dataset(file, engine="scipy")
        others = [its for its in before["model"].values if its not in found["model"].values]
        found = xr.concat([before.sel(model=others), found], "model", join="outer")
        file.unlink()
    to_netcdf(found, file)
