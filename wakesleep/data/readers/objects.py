"""Data given in Python: arrays, dictionaries, data sets of xarray, tensors, torch data sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from wakesleep.data.raw import Raw, from_arrays
from wakesleep.data.sets import DataSet
from wakesleep.data.source import DataSource
from wakesleep.errors import InputError

WANTED = (
    "a pair (x, y) of arrays or tensors, a dictionary with x and y or x_train, y_train, ..., an "
    "xarray data set with the dimension case, a torch data set, or a wakesleep DataSet"
)


def from_object(name: str, given: Any, how: DataSource) -> Raw | DataSet:
    """Return raw cases from a Python object.

    Parameters
    ----------
    name
        Name of the data in messages.
    given
        A pair of arrays or tensors, a dictionary of them, a data set of xarray or torch.
    how
        For the names of variables.

    Raises
    ------
    InputError
        If it is not of these types.
    """
    import xarray as xr

    if isinstance(given, DataSet):
        return given
    if isinstance(given, xr.Dataset):
        from wakesleep.data.readers.labelled import from_dataset

        return from_dataset(name, given, how)
    if isinstance(given, Mapping):
        return _from_arrays(name, dict(given))
    if isinstance(given, tuple | list) and len(given) == 2 and not _numbers(given):
        x, y = given
        return _from_arrays(name, {"x": x} if y is None else {"x": x, "y": y})
    if isinstance(given, tuple | list) and given and all(_is_array(its) for its in given):
        raise InputError(f"data '{name}' have {len(given)} parts; expected a pair (x, y)")
    if _is_array(given):
        return _from_arrays(name, {"x": given})
    if hasattr(given, "__getitem__") and hasattr(given, "__len__"):
        return _from_torch(name, given)
    raise InputError(f"data '{name}' are of the type '{type(given).__name__}'; expected {WANTED}")


def _numbers(given: Any) -> bool:
    return all(isinstance(its, int | float) for its in given)


def _is_array(given: Any) -> bool:
    return isinstance(given, np.ndarray) or hasattr(given, "detach")


def _from_arrays(name: str, arrays: dict[str, Any]) -> Raw:
    # Images of torch have their channels first.
    tensors = any(hasattr(its, "detach") for key, its in arrays.items() if str(key).startswith("x"))
    return from_arrays(
        name,
        {key: _numpy(name, its) if hasattr(its, "detach") else its for key, its in arrays.items()},
        channels_first=tensors,
    )


def _numpy(name: str, tensor: Any) -> np.ndarray:
    try:
        found: np.ndarray = tensor.detach().cpu().numpy()
    except (TypeError, RuntimeError) as error:  # sparse, or of a type that numpy has not
        raise InputError(f"data '{name}': a tensor cannot be read ({_told(error)})") from None
    return found


def _from_torch(name: str, given: Any) -> Raw:
    """Return the cases of a torch data set whose items are (x, y), or x alone."""
    try:
        items = [given[number] for number in range(len(given))]
    except Exception as error:
        raise InputError(f"data '{name}': its items cannot be read ({_told(error)})") from None
    if not items:
        raise InputError(f"data '{name}': there are no cases")
    pairs = isinstance(items[0], tuple | list) and len(items[0]) == 2
    tensors = hasattr(items[0][0] if pairs else items[0], "detach")
    try:
        x = np.stack([_pixels(its[0] if pairs else its) for its in items])
        arrays = {"x": x}
        if pairs:
            arrays["y"] = np.array(
                [its[1].item() if hasattr(its[1], "item") else its[1] for its in items]
            )
    except Exception as error:
        raise InputError(
            f"data '{name}': its items do not have the same form ({_told(error)})"
        ) from None
    return from_arrays(name, arrays, channels_first=tensors)


def _pixels(its: Any) -> np.ndarray:
    """Return a case as an array; an image of a palette as its colours."""
    if getattr(its, "mode", None) == "P":
        its = its.convert("RGB")
    return np.asarray(its)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
