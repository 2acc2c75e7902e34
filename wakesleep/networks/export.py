"""A trained network as a file for other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wakesleep.errors import InputError
from wakesleep.files import outputs
from wakesleep.networks.network import trained

if TYPE_CHECKING:
    import xarray as xr

FORMATS = (".safetensors", ".npz", ".nc")


def export(
    result: str | Path | xr.Dataset, out: str | Path, data: Any = None, *, step: int | None = None
) -> Path:
    """Write a trained network to a file.

    ``.npz`` (numpy) and ``.safetensors`` (the package safetensors) hold every tensor, those of the
    optimiser too, named as :meth:`TrainedNetwork.state_dict` names them; ``.nc`` (NetCDF) holds the
    labelled weights.

    Parameters
    ----------
    result
        As for :func:`trained`.
    out
        The file; its ending sets the format.
    data
        The data that the network was trained on, if they were given in Python.
    step
        As for :func:`trained`.

    Raises
    ------
    InputError
        If the ending is unknown, the package is missing, or there is no trained network.
    """
    import numpy as np

    path = outputs.checked(out)
    if path.exists():
        raise InputError(f"{path}: exists already; nothing was written")
    if path.suffix not in FORMATS:
        raise InputError(f"{path}: a network is written to {', '.join(FORMATS)}")
    its = trained(result, data, step=step)
    about = {
        "model": its.model.name,
        "kind": its.model.spec.kind,
        "parameters": json.dumps(its.model.values),
        "data": its.data.name,
    }
    if path.suffix == ".nc":
        weights = its.weights.assign_attrs(about)
        weights.to_netcdf(path, engine="scipy")
        return path
    tensors = {name: one.detach().cpu().contiguous() for name, one in its.state_dict().items()}
    if path.suffix == ".npz":
        arrays = {name: one.numpy() for name, one in tensors.items()}
        np.savez(path, allow_pickle=False, **arrays)
        return path
    try:
        from safetensors.torch import save_file
    except ImportError:
        raise InputError(
            f"{path}: safetensors files need the package safetensors; install it, or choose .npz"
        ) from None
    save_file({name: one.clone() for name, one in tensors.items()}, path, metadata=about)
    return path
