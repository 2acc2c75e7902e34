"""Data from outside the package: from a source to a data set."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from wakesleep.data.assemble import assemble
from wakesleep.data.raw import Raw
from wakesleep.data.sets import DataSet
from wakesleep.data.source import ENDINGS, DataSource
from wakesleep.errors import InputError, listed
from wakesleep.files import references

# What reads each format.
READERS = {
    ".npz": "wakesleep.data.readers.arrays:read_npz",
    ".npy": "wakesleep.data.readers.arrays:read_npy",
    ".csv": "wakesleep.data.readers.tables:read",
    ".parquet": "wakesleep.data.readers.tables:read",
    ".nc": "wakesleep.data.readers.labelled:read",
    ".zarr": "wakesleep.data.readers.labelled:read",
    "folder": "wakesleep.data.readers.images:read",
}
XARRAY = "an xarray data set"
# Options that only some formats use.
ONLY_FOR = {
    "labels": (".npy",),
    "x": (".nc", ".zarr", XARRAY),
    "label": (".csv", ".parquet", ".nc", ".zarr", XARRAY),
    "split": (".csv", ".parquet", ".nc", ".zarr", XARRAY),
    "colour": ("folder",),
    "resize": ("folder",),
}


def load_outside(how: DataSource) -> DataSet:
    """Return the data set of a source with whole paths; read once in a process.

    Raises
    ------
    InputError
        If there is no such file, it cannot be read, or its content is not a data set.
    """
    if not how.code:
        _form(how)  # before all of it is read to be hashed
    return _loaded(how.model_dump_json(), how.fingerprint())


@functools.lru_cache(maxsize=2)
def _loaded(text: str, fingerprint: str) -> DataSet:
    how = DataSource.model_validate_json(text, strict=False)
    found = _from_code(how) if how.code else _from_files(how)
    return found if isinstance(found, DataSet) else assemble(found, how)


def from_python(given: Any, how: DataSource | None = None) -> DataSet:
    """Return the data set for data that were given in Python.

    Parameters
    ----------
    given
        See :func:`wakesleep.data.readers.objects.from_object`.
    how
        Its options; default none.

    Raises
    ------
    InputError
        If the object is not of a known kind, or not a data set.
    """
    from wakesleep.data.readers.objects import from_object

    how = how or DataSource(source="./given")
    _check_object(given, how, "given in Python")
    found = from_object("given in Python", given, how)
    return found if isinstance(found, DataSet) else assemble(found, how)


def _check_object(given: Any, how: DataSource, name: str) -> None:
    """Refuse options that have no meaning for an object that holds cases."""
    import xarray as xr

    if isinstance(given, DataSet):
        more = how.model_fields_set - {"source", "arguments"}
        if more:
            raise InputError(
                f"data '{name}' are a DataSet, which is taken as it is: '{min(more)}' "
                "does not apply"
            )
    else:
        _check_options(how, XARRAY if isinstance(given, xr.Dataset) else "", name)


def _check_options(how: DataSource, form: str, called: str = "") -> None:
    for name, forms in ONLY_FOR.items():
        if name in how.model_fields_set and getattr(how, name) is not None and form not in forms:
            what = "folders of images" if forms == ("folder",) else listed(forms)
            raise InputError(f"data '{called or how.shown}': '{name}' is for {what}")


def _form(how: DataSource) -> str:
    """Return the format of a file or folder, as a key of :data:`READERS`."""
    path = Path(how.source)
    form = path.suffix.lower()
    if path.is_dir() and form != ".zarr":
        from wakesleep.data.readers.images import look

        look(path)
        form = "folder"
    elif not path.exists():
        raise InputError(f"{path}: there is no such file or folder")
    elif form not in READERS:
        raise InputError(
            f"{path}: data cannot be read from a file that ends in '{form}'; allowed are "
            f"{listed(ENDINGS)}, or a folder of images"
        )
    _check_options(how, form)
    return form


def _from_files(how: DataSource) -> Raw:
    raw: Raw = references.imported(READERS[_form(how)])(how)
    return raw


def _from_code(how: DataSource) -> Raw | DataSet:
    """Return what a user-defined function returns."""
    from wakesleep.data.readers.objects import from_object

    function = references.own(how.code, "data")
    if not callable(function):
        raise InputError(f"data '{how.source}' is not a function")
    try:
        given = function(**how.arguments)
    except Exception as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"data '{how.shown}': the function raises {type(error).__name__}: {error}"
        ) from error
    _check_object(given, how, how.shown)
    return from_object(how.shown, given, how)
