"""The whole state of a run in one file beside its store, replaced in one stroke.

It outlives the run: it holds the trained network.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from wakesleep.errors import InputError


def path_for(store: Path) -> Path:
    """Return where the checkpoint of a store lies: ``run.zarr`` -> ``run.checkpoint.pt``."""
    return store.with_name(f"{store.name.removesuffix('.zarr')}.checkpoint.pt")


def save(state: dict[str, Any], path: Path) -> None:
    """Write the state so that a kill at any moment leaves the old file or the new one."""
    import torch

    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as stream:
        torch.save(state, stream)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)


def load(path: Path, device: Any) -> dict[str, Any]:
    """Read a state that :func:`save` wrote; nothing in it is executed.

    Raises
    ------
    InputError
        If the file is missing or is no checkpoint.
    """
    import pickle

    import torch

    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such checkpoint") from None
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError) as error:
        raise InputError(
            f"{path}: cannot be read as a checkpoint ({type(error).__name__})"
        ) from None
    return state
