"""Checks of output paths before any work is done."""

from __future__ import annotations

import os
from pathlib import Path

from wakesleep.errors import InputError

CHECKPOINT, NETWORKS = ".checkpoint.pt", ".networks"  # beside the store of a run
NO_RESULT = f"give the result beside it, without '{CHECKPOINT}'"  # to whoever gives a checkpoint
LONGEST_PART = 255  # bytes of one name, in every common file system


def checked(out: str | Path, what: str = "a result") -> Path:
    """Return the path of an output file or folder.

    Parameters
    ----------
    out
        The path.
    what
        What it is, for the error.

    Raises
    ------
    InputError
        If it has no name, is not UTF-8, cannot be accessed, or its folder cannot be written.
    """
    path = Path(out)
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise InputError(f"-o {path}: the name is not UTF-8") from None
    if not str(out).strip() or path.name in ("", ".", ".."):
        raise InputError(f"-o '{out}': names no file; give {what} a name")
    try:
        path.exists()
        around = next(its for its in path.absolute().parents if its.exists())
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: cannot be written ({getattr(error, 'strerror', error)})"
        ) from None
    if any(len(part.encode()) > LONGEST_PART for part in path.parts):
        raise InputError(f"{path}: cannot be written (a name in it is too long)")
    if not around.is_dir():
        raise InputError(f"{path}: cannot be written, because {around} is not a folder")
    if not os.access(around, os.W_OK | os.X_OK):
        raise InputError(f"{path}: cannot be written (no permission for {around})")
    return path
