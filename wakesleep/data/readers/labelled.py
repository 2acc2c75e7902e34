"""Labelled arrays of xarray: ``.nc`` and ``.zarr``, with the dimension ``case``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wakesleep.data.raw import Raw, by_split, from_arrays
from wakesleep.data.source import DataSource
from wakesleep.errors import InputError, choices, listed

if TYPE_CHECKING:
    import xarray as xr


def read(how: DataSource) -> Raw:
    """Return the cases of a file.

    Raises
    ------
    InputError
        If it cannot be read, or it is not clear which variables to use.
    """
    import xarray as xr

    path = Path(how.source)
    try:
        if path.suffix == ".zarr":
            opened = xr.open_zarr(path, chunks=None, consolidated=False)
        else:
            opened = xr.open_dataset(path)
        with opened:
            return from_dataset(how.shown, opened.load(), how)
    except InputError:
        raise
    except Exception as error:  # each engine has errors of its own
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: cannot be read by xarray ({reason})") from None


def from_dataset(name: str, data: xr.Dataset, how: DataSource) -> Raw:
    """Return the cases of a data set with the dimension ``case``.

    The cases are the variable that the source names as ``x``, or the only one with ``case`` and a
    further dimension. The labels are the variable that the source names as ``label``; its default
    is ``label``.

    Raises
    ------
    InputError
        If there is no such dimension or variable, or there are several.
    """
    if "case" not in data.dims:
        raise InputError(
            f"data '{name}': no dimension is called 'case'; there are {listed(map(str, data.dims))}"
        )
    several = [str(its) for its, array in data.items() if "case" in array.dims and array.ndim > 1]
    if how.x is None and len(several) != 1:
        raise InputError(
            f"data '{name}': {'several variables have' if several else 'no variable has'} the "
            f"dimension 'case' and a further one; say which by 'x' ({listed(several) or 'none'})"
        )
    x = data[_known(name, data, how.x or several[0], "x")]
    if "case" not in x.dims:
        raise InputError(f"data '{name}': '{how.x}' has no dimension 'case'")
    x = x.transpose("case", ...)
    wanted = how.label if how.label is not None else "label" if "label" in data.variables else None
    y = None
    if wanted is not None and wanted != "none":
        y = data[_known(name, data, wanted, "label")].values
    elif wanted is None and "y" in data.variables:
        y = data["y"].values
    if how.split is not None:
        split = data[_known(name, data, how.split, "split")].values
        return by_split(name, x.values, y, split)
    return from_arrays(name, {"x": x.values} if y is None else {"x": x.values, "y": y})


def _known(name: str, data: xr.Dataset, variable: str, what: str) -> str:
    if variable not in data.variables:
        raise InputError(
            f"data '{name}': there is no variable '{variable}' ({what})"
            f"{choices(variable, map(str, data.variables), 'there are')}"
        )
    return variable
