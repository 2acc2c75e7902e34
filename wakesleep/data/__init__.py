"""Data sets: images, tables or windows of text, split into training, validation and test cases.

In: the name of a data set, or a user's source (a file, a folder, a function, an object in
Python). Out: a :class:`DataSet`. Knows neither learners nor protocols. Must not import
``learners``, ``protocols`` or ``simulation``.

Nothing heavy is imported before a data set is loaded.
"""

from __future__ import annotations

import functools
import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from wakesleep.data.names import DATA_SETS, DOWNLOADED, SPLITS
from wakesleep.data.sets import Cases, DataSet
from wakesleep.errors import InputError, choices

if TYPE_CHECKING:
    from wakesleep.data.source import DataSource

__all__ = ["DATA_SETS", "DOWNLOADED", "SPLITS", "Cases", "DataSet", "check_split", "folder", "load"]


def check_split(name: str) -> None:
    """Refuse a name that is not a part of a data set.

    Raises
    ------
    InputError
        If it is none of :data:`SPLITS`.
    """
    if name not in SPLITS:
        raise InputError(f"there is no split '{name}'{choices(name, SPLITS)}")


def load(source: str | DataSource) -> DataSet:
    """Load a data set by its name, or from a file, a folder or a function.

    Parameters
    ----------
    source
        A name in :data:`DATA_SETS`, or a source with whole paths.

    Raises
    ------
    InputError
        If there is no such data set, or its files are neither present nor downloadable.
    """
    name = source if isinstance(source, str) else source.source
    if name in DATA_SETS:
        return _loaded(name, folder())
    if isinstance(source, str):
        raise InputError(f"data set '{name}' is unknown{choices(name, DATA_SETS)}")
    from wakesleep.data.outside import load_outside

    return load_outside(source)


@functools.lru_cache(maxsize=2)
def _loaded(name: str, place: Path) -> DataSet:
    """Load a data set once in a process, however many runs use it."""
    module, _, function = DATA_SETS[name].partition(":")
    loaded: DataSet = getattr(importlib.import_module(module), function or "load")()
    return loaded


def folder() -> Path:
    """Return the folder where data files are searched first, and stored after a download.

    It is ``$WAKESLEEP_DATA_DIR`` if that is set, otherwise the user's cache folder.
    """
    named = os.environ.get("WAKESLEEP_DATA_DIR")
    if named:
        return Path(named).expanduser()
    import pooch

    return Path(pooch.os_cache("wakesleep"))
