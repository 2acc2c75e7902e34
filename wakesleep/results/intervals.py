"""Means and slopes over seeds, with confidence intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from wakesleep.errors import InputError


def interval(
    values: xr.DataArray, dim: str = "seed", level: float = 0.95, method: str = "t"
) -> xr.Dataset:
    """Return mean and confidence interval over seeds; NaN values are left out.

    Parameters
    ----------
    values
        Any array with the dimension ``dim``.
    dim
        The dimension that is averaged over.
    level
        Confidence level.
    method
        ``t`` (Student's t), or ``bootstrap`` (percentiles of 2000 resampled means, always the same
        resamples).

    Returns
    -------
    xarray.Dataset
        ``mean``, ``low``, ``high`` and ``n`` (the number of values). With fewer than two values
        the interval is NaN.

    Raises
    ------
    InputError
        If the method is unknown.
    """
    n = values.notnull().sum(dim)
    mean = values.mean(dim)
    if method == "t":
        from scipy.stats import t

        # Infinite values (a criterion never met) have an infinite mean and no interval.
        with np.errstate(invalid="ignore", divide="ignore"):
            error = values.std(dim, ddof=1) / np.sqrt(n)
        half = error * t.ppf((1 + level) / 2, np.maximum(n - 1, 1))
        half = half.where(n > 1)
        low, high = mean - half, mean + half
    elif method == "bootstrap":
        values = values.dropna(dim, how="all")
        drawn = np.random.Generator(np.random.PCG64(0)).integers(
            0, values.sizes[dim], (2000, values.sizes[dim])
        )
        resampled = values.isel({dim: xr.DataArray(drawn, dims=("resample", dim))}).mean(dim)
        edges = resampled.quantile([(1 - level) / 2, (1 + level) / 2], dim="resample")
        low, high = (edges.isel(quantile=end, drop=True).where(n > 1) for end in (0, 1))
    else:
        raise InputError(f"an interval is made by 't' or 'bootstrap', not by '{method}'")
    return xr.Dataset({"mean": mean, "low": low, "high": high, "n": n})


def wilson(share: Any, cases: Any, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and upper end of Wilson's confidence interval of a share of cases.

    Parameters
    ----------
    share
        Shares from 0 to 1, of any shape; NaN stays NaN.
    cases
        Number of cases that a share was counted from.
    level
        Confidence level.

    Notes
    -----
    Wilson 1927, Journal of the American Statistical Association 22, 209-212. Unlike the normal
    approximation, its width is above 0 if no case was wrong.
    """
    from scipy.stats import norm

    z = norm.ppf((1 + level) / 2)
    middle = share + z**2 / (2 * cases)
    half = z * np.sqrt(share * (1 - share) / cases + (z / (2 * cases)) ** 2)
    scale = 1 + z**2 / cases
    return (middle - half) / scale, (middle + half) / scale


def slope(values: xr.DataArray, dose: str, dim: str = "seed") -> xr.Dataset:
    """Return the dose-response slope with its interval over seeds.

    Parameters
    ----------
    values
        With the dimensions ``dose`` (whose coordinate is the dose) and ``dim``.
    dose
        Name of the dose's dimension.
    dim
        The dimension that is averaged over: a line is fitted for each seed, by least squares.

    Returns
    -------
    xarray.Dataset
        As :func:`interval`; per unit of dose.
    """
    fitted = values.polyfit(dose, 1)["polyfit_coefficients"].sel(degree=1, drop=True)
    return interval(fitted, dim)
