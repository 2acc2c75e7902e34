"""Arrays of numpy: ``.npz`` archives, and pairs of ``.npy`` files. Pickles are never loaded."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from wakesleep.data.raw import Raw, from_arrays
from wakesleep.data.source import DataSource
from wakesleep.errors import InputError

UNREADABLE = (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error)


def read_npz(how: DataSource) -> Raw:
    """Return the cases of an archive with ``x`` and ``y``, or ``x_train``, ``y_train``, ...

    Raises
    ------
    InputError
        If the file cannot be read, or has other arrays.
    """
    path = Path(how.source)
    try:
        opened = np.load(path, allow_pickle=False)
        if isinstance(opened, np.ndarray):
            raise InputError(f"{path}: is a single array; call it {path.stem}.npy")
        with opened as archive:
            arrays = {name: archive[name] for name in archive.files}
    except UNREADABLE as error:
        raise unreadable(path, error) from None
    return from_arrays(how.shown, arrays)


def read_npy(how: DataSource) -> Raw:
    """Return the cases of one file, with the labels of another.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    arrays = {"x": _array(Path(how.source))}
    if how.labels is not None:
        arrays["y"] = _array(Path(how.labels))
    return from_arrays(how.shown, arrays)


def _array(path: Path) -> Any:
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    try:
        found = np.load(path, allow_pickle=False)
    except UNREADABLE as error:
        raise unreadable(path, error) from None
    if not isinstance(found, np.ndarray):
        raise InputError(f"{path}: is an archive of arrays; call it {path.stem}.npz")
    return found


def unreadable(path: Path, error: Exception) -> InputError:
    """Return the error of a file that cannot be read."""
    if "object arrays" in str(error).lower():
        return InputError(
            f"{path}: holds Python objects (pickles), which are never loaded; save plain numbers"
        )
    if "pickle" in str(error).lower():  # what numpy takes any other file for
        return InputError(f"{path}: is not a NumPy file, or is damaged")
    if isinstance(error, zipfile.BadZipFile | zlib.error | EOFError):
        return InputError(f"{path}: is not a NumPy file, or is damaged")
    return InputError(f"{path}: cannot be read ({str(error).splitlines()[0]})")
