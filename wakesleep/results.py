"""The written form of a result: its variables, their units, and how a store is made and opened.

One run is one ``xarray.Dataset`` in a Zarr store. The store has its full length from the start,
filled with "nothing yet", and every probe fills one row: whatever moment a run is killed at, the
store opens, and :func:`open_result` shows the rows that are there. Words (phases, signs, ...) are
stored as CF flags, since Zarr 3 has no settled type for text of fixed length.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wakesleep.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

SCHEMA_VERSION = 1
SIGNS = ("positive", "negative")
# What a hypnogram calls a phase: the terms of sleep scoring, as YASA and BIDS know them.
STAGES = ("WAKE", "N1", "N2", "N3", "NREM", "REM", "ART", "UNS")
ROWS_PER_CHUNK = 256


@dataclass(frozen=True)
class Quantity:
    """A recorded quantity.

    Attributes
    ----------
    dims
        Its dimensions beside ``probe``.
    long_name
        As it is written on an axis.
    needs
        The capabilities that a model must offer for it.
    units
        CF units.
    """

    dims: tuple[str, ...]
    long_name: str
    needs: tuple[str, ...]
    units: str = "1"


def _detection(against: str, needs: tuple[str, ...], prefix: str) -> dict[str, Quantity]:
    """Return how well each layer tells real data from something else."""
    return {
        f"{prefix}false_positive_rate": Quantity(
            ("layer",), f"fraction of {against} taken for real", needs
        ),
        f"{prefix}d_prime": Quantity(
            ("layer",), f"sensitivity d' of real against {against}", needs
        ),
        f"{prefix}criterion": Quantity(("layer",), f"criterion c of real against {against}", needs),
        f"{prefix}auc": Quantity(
            ("layer",), f"area under the ROC curve, real against {against}", needs
        ),
    }


QUANTITIES: dict[str, Quantity] = {
    "error": Quantity(("readout",), "classification error on validation data", ("classify",)),
    "bits": Quantity(
        (), "cross-entropy of the label probabilities", ("label_probabilities",), "bit"
    ),
    "kl": Quantity(
        (), "KL divergence from the true label probabilities", ("label_probabilities",), "bit"
    ),
    "log_likelihood": Quantity(
        (), "mean log likelihood of validation data", ("likelihood",), "nat"
    ),
    "divergence": Quantity((), "KL divergence of the model from the data", ("likelihood",), "nat"),
    "distinct_codes": Quantity(
        (), "fraction of cases whose hidden code is theirs alone", ("codes",)
    ),
    "completion": Quantity(
        (), "fraction of images whose second half is completed from the first", ("complete",)
    ),
    "stable_fraction": Quantity(
        (), "fraction of stored patterns that are fixed points", ("memories",)
    ),
    "goodness": Quantity(("layer", "sign"), "mean goodness", ("goodness",)),
    "p_positive": Quantity(
        ("layer", "sign"), "mean probability of being taken for real", ("goodness",)
    ),
    "hit_rate": Quantity(("layer",), "fraction of real data taken for real", ("goodness",)),
    **_detection("negative data", ("goodness",), ""),
    **_detection("dreams", ("goodness", "dream"), "dream_"),
    **_detection("noise", ("goodness",), "noise_"),
    "weight_norm": Quantity(("layer",), "root sum of squared weights per unit", ("weight_norms",)),
    "sleep_pressure": Quantity((), "sleep pressure (process S)", ()),
}

# Coordinates along ``probe``: (type, value where nothing is recorded yet, long name, units).
COORDINATES: dict[str, tuple[str, Any, str, str]] = {
    "step": ("int64", -1, "weight updates so far", "1"),
    "time_h": ("float64", float("nan"), "time on the protocol's clock", "h"),
    "phase": ("int16", -1, "phase", "1"),
    "phase_index": ("int32", -1, "place of the phase in the timetable", "1"),
    "phase_end": ("int8", -1, "whether the phase ends here", "1"),
    "phase_onset": ("int64", -1, "step at which the phase began", "1"),
    "stage": ("int16", -1, "stage of sleep scoring", "1"),
    "block": ("int16", -1, "part of the protocol", "1"),
    "cycle": ("int32", -1, "cycle within the part", "1"),
}


def blank(
    probes: int,
    words: Mapping[str, Sequence[str]],
    quantities: Sequence[str],
    attributes: Mapping[str, Any],
) -> xr.Dataset:
    """Return a dataset of full length with nothing recorded in it.

    Parameters
    ----------
    probes
        Greatest number of probes the run can come to.
    words
        The words of ``phase``, ``block``, ``stage``, ``layer``, ``sign`` and ``readout``, in order.
    quantities
        Names in :data:`QUANTITIES`.
    attributes
        Provenance.
    """
    import numpy as np
    import xarray as xr

    coordinates: dict[str, Any] = {
        name: ("probe", np.full(probes, empty, kind), {"long_name": long_name, "units": units})
        for name, (kind, empty, long_name, units) in COORDINATES.items()
    }
    coordinates["probe"] = ("probe", np.arange(probes), {"long_name": "probe", "units": "1"})
    for name in ("phase", "block", "stage"):
        coordinates[name][2].update(_flags(words[name]))
    used = {dim for quantity in quantities for dim in QUANTITIES[quantity].dims}
    for dim in ("layer", "sign", "readout"):
        if dim in used:
            coordinates[dim] = (
                dim,
                np.arange(len(words[dim]), dtype="int16"),
                {"long_name": dim, "units": "1", **_flags(words[dim])},
            )
    variables = {
        name: (
            ("probe", *its.dims),
            np.full((probes, *(len(words[dim]) for dim in its.dims)), np.nan, "float32"),
            {"long_name": its.long_name, "units": its.units},
        )
        for name, its in ((name, QUANTITIES[name]) for name in quantities)
    }
    return xr.Dataset(variables, coordinates, dict(attributes))


def _flags(words: Sequence[str]) -> dict[str, Any]:
    import numpy as np

    return {"flag_values": np.arange(len(words), dtype="int16"), "flag_meanings": " ".join(words)}


def constant(values: Any, dim: str, long_name: str) -> xr.DataArray:
    """Return a variable that does not change during the run, such as a threshold."""
    import numpy as np
    import xarray as xr

    return xr.DataArray(
        np.asarray(values, "float32"), dims=(dim,), attrs={"long_name": long_name, "units": "1"}
    )


def create(dataset: xr.Dataset, out: Path | None) -> Any:
    """Write a blank dataset into a new Zarr store.

    Parameters
    ----------
    dataset
        From :func:`blank`.
    out
        Path of the store; None keeps it in memory.

    Returns
    -------
    store
        The path, or a zarr store object.

    Raises
    ------
    InputError
        If the store cannot be written.
    """
    import zarr

    if out is None:
        store = zarr.storage.MemoryStore()
        _write(dataset, store)
        return store
    # Made under another name and renamed, so that a store is never there by half.
    partial = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _write(dataset, partial)
        partial.rename(out)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise InputError(f"{out}: cannot be written ({error.strerror or error})") from None
    return out


def _write(dataset: xr.Dataset, store: Any) -> None:
    encoding: dict[str, dict[str, Any]] = {
        str(name): {
            "chunks": (
                min(ROWS_PER_CHUNK, dataset.sizes["probe"]),
                *(dataset.sizes[dim] for dim in variable.dims[1:]),
            )
        }
        for name, variable in dataset.variables.items()
        if "probe" in variable.dims
    }
    dataset.to_zarr(store, mode="w-", zarr_format=3, consolidated=False, encoding=encoding)


def open_result(store: Any) -> xr.Dataset:
    """Open the result of a run, finished or not.

    Parameters
    ----------
    store
        Path of the Zarr store that ``wakesleep run`` wrote (or a zarr store object), or of a
        NetCDF file that :func:`to_netcdf` made of one.

    Returns
    -------
    xarray.Dataset
        In memory, with the probes recorded so far; ``phase``, ``block``, ``stage``, ``layer``,
        ``sign`` and ``readout`` as words, ``phase_end`` as booleans. ``attrs["status"]`` says
        whether the run has ended.

    Raises
    ------
    InputError
        If there is no such store, or it is not a result.
    """
    import xarray as xr

    if isinstance(store, xr.Dataset | xr.DataTree):
        raise InputError(
            f"a result is given by the path of its store, not as a {type(store).__name__}"
        )
    try:
        path = Path(store) if isinstance(store, (str, Path)) else None
        if path is not None and not path.exists():
            raise InputError(f"{store}: there is no such result")
        if path is not None and ((path / "study.zarr").is_dir() or path.name == "study.zarr"):
            raise InputError(
                f"{store}: is the result of a study, not of a run; wakesleep.open_study opens it, "
                "and its runs lie in the folder 'runs'"
            )
        if path is not None and path.is_file():
            dataset = xr.load_dataset(store, engine="scipy", decode_times=False)
        else:
            dataset = xr.open_zarr(
                store, consolidated=False, mask_and_scale=False, decode_times=False, chunks=None
            )
        version = int(dataset.attrs["wakesleep_schema"])
        if version > SCHEMA_VERSION:
            raise InputError(
                f"{store}: written by a newer wakesleep (schema {version}, this one reads up to "
                f"{SCHEMA_VERSION})"
            )
        # A running writer fills the steps of a row last: steps read first vouch for the rest.
        recorded = dataset["step"].load().values >= 0
        return _in_words(dataset.load().isel(probe=recorded))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{store}: this is not a result of wakesleep, or it is damaged ({type(error).__name__})"
        ) from None


def in_words(dataset: xr.Dataset) -> xr.Dataset:
    """Return a dataset whose CF flags are the words they stand for."""
    import numpy as np

    for name, variable in dataset.variables.items():
        if "flag_meanings" in variable.attrs:
            words = np.array(variable.attrs["flag_meanings"].split(" "))
            attributes = {
                key: value for key, value in variable.attrs.items() if not key.startswith("flag_")
            }
            dataset = dataset.assign_coords(
                {name: (variable.dims, words[variable.values], attributes)}
            )
    return dataset


def as_flags(dataset: xr.Dataset) -> xr.Dataset:
    """Return a dataset whose words are CF flags: what :func:`in_words` undoes."""
    import numpy as np

    for name, variable in dataset.variables.items():
        if variable.dtype.kind == "U":
            words, numbers = np.unique(variable.values, return_inverse=True)
            coded = numbers.reshape(variable.shape).astype("int16")
            attributes = {**variable.attrs, **_flags([str(word) for word in words])}
            dataset = dataset.assign_coords({name: (variable.dims, coded, attributes)})
    return dataset


def _in_words(dataset: xr.Dataset) -> xr.Dataset:
    for variable in dataset.variables.values():
        variable.attrs.pop("_FillValue", None)  # how the file says "nothing yet"
    dataset = in_words(dataset)
    ends = dataset["phase_end"]
    # A folder lists its files in any order; a reader wants that of the schema.
    variables = {
        name: dataset[name] for name in (*QUANTITIES, *dataset.data_vars) if name in dataset
    }
    dataset = dataset.drop_vars(variables).assign(variables)
    return dataset.assign_coords(phase_end=("probe", ends.values == 1, ends.attrs))


def to_netcdf(dataset: xr.Dataset, path: str | Path) -> None:
    """Write a result (or a part of one) as one NetCDF 3 file.

    Raises
    ------
    InputError
        If the file exists already.
    """
    if Path(path).exists():
        raise InputError(f"{path}: exists already; nothing was written")
    plain = dataset.copy()
    for name in plain.variables:
        if plain[name].dtype == bool:  # NetCDF 3 has no booleans
            plain[name] = plain[name].astype("int8")
    for name, value in plain.attrs.items():
        if isinstance(value, int) and abs(value) >= 2**31:  # nor integers of 64 bits
            plain.attrs[name] = str(value)
    plain.to_netcdf(path, engine="scipy")


def provenance(dataset: xr.Dataset) -> dict[str, Any]:
    """Return what a result says of its making, with the parts stored as JSON decoded."""
    in_json = ("inputs", "parameters", "versions", "protocol_resolved", "model_resolved")
    return {
        str(key): json.loads(value) if key in in_json else value
        for key, value in dataset.attrs.items()
    }


def as_numpy(value: Any) -> np.ndarray:
    """Return a torch tensor or anything array-like as a numpy array."""
    import numpy as np

    return value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)
