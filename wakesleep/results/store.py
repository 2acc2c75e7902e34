"""How a result is written and read: a Zarr store, or one NetCDF file.

One run is one ``xarray.Dataset`` in a Zarr store. The store has its full length from the start,
filled with missing values, and every probe fills one row. The store can be opened even if the run
is killed, and :func:`open_result` returns the rows written so far. Words (phases, signs, ...) are
stored as CF flags, since Zarr 3 has no stable type for text of fixed length.
"""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import math
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wakesleep.errors import InputError, RunError, listed
from wakesleep.files import outputs
from wakesleep.files.remote import fetched, read
from wakesleep.results.schema import COORDINATES, QUANTITIES, SCHEMA_VERSION, in_words

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr


ROWS_PER_CHUNK = 256
MOST_IN_CHUNK = 2**20  # numbers: activities of many units have fewer rows
MADE = 16  # store layouts that a process keeps in memory
_made: dict[str, dict[str, Any]] = {}
# What results of every version hold; 'stage' and 'phase_onset' came later, and a mean over runs has
# no seed.
ATTRIBUTES = ("title", "status", "protocol", "model", "inputs", "parameters")
VARIABLES = "variables"  # the attribute that lists them
ALWAYS = tuple(name for name in COORDINATES if name not in ("stage", "phase_onset"))


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
    RunError
        If there is no room for it.
    """
    import zarr

    # So that a reader notices if one is missing.
    attrs = {**dataset.attrs, VARIABLES: sorted(map(str, dataset.variables))}
    if out is None:
        store = zarr.storage.MemoryStore(dict(_files(dataset)))
        zarr.open_group(store).attrs.put(attrs)
        return store
    # Created under another name and then renamed, so that a store is never incomplete.
    partial = unfinished(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for name, content in _files(dataset).items():
            path = partial / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.to_bytes())
        zarr.open_group(partial).attrs.put(attrs)
        partial.rename(out)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise InputError(f"{out}: another process has just begun to write it") from None
        kind = RunError if is_full(error) else InputError
        raise kind(f"{out}: cannot be written ({error.strerror or error})") from None
    return out


def place(path: Path) -> tuple[int, int] | None:
    """Return the device and inode number of the folder at a path; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def is_full(error: BaseException) -> bool:
    """Return whether an error means that the disk is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def unfinished(out: Path) -> Path:
    """Return the temporary name of a new store; remove those that dead processes left."""
    for left in out.parent.glob(f".{glob.escape(out.name)}.*"):
        number = left.name.rpartition(".")[2]
        if number.isdigit() and not _lives(int(number)):
            shutil.rmtree(left, ignore_errors=True)
    return out.with_name(f".{out.name}.{os.getpid()}")


def _lives(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # another user's
    return number != os.getpid()


def _files(dataset: xr.Dataset) -> dict[str, Any]:
    """Return the content of the files of a store without attributes, by path.

    Runs of a study mostly differ in attributes alone, and zarr takes a few milliseconds for each
    array that it makes.
    """
    import zarr

    its = dataset.drop_attrs(deep=False)
    key = repr([(name, v.dims, v.attrs, v.encoding) for name, v in its.variables.items()])
    for values in (variable.values for variable in its.variables.values()):
        key += f" {values.dtype} {values.shape} {hashlib.sha256(values.tobytes()).hexdigest()}"
    if key not in _made:
        files: dict[str, Any] = {}
        _write(its, zarr.storage.MemoryStore(files))
        if len(_made) >= MADE:
            _made.clear()
        _made[key] = files
    return _made[key]


def _write(dataset: xr.Dataset, store: Any) -> None:
    encoding: dict[str, dict[str, Any]] = {}
    for name, variable in dataset.variables.items():
        encoding[str(name)] = {"compressors": codecs()}
        if "probe" in variable.dims:
            others = [dataset.sizes[dim] for dim in variable.dims[1:]]
            most = max(1, MOST_IN_CHUNK // max(math.prod(others), 1))
            rows = min(ROWS_PER_CHUNK, most, dataset.sizes["probe"])
            encoding[str(name)]["chunks"] = (rows, *others)
    dataset.to_zarr(store, mode="w-", zarr_format=3, consolidated=False, encoding=encoding)


def codecs() -> list[Any]:
    """Return the codecs of chunks: compression, and a checksum that detects a flipped bit."""
    from zarr.codecs import Crc32cCodec, ZstdCodec

    return [ZstdCodec(level=1), Crc32cCodec()]


def open_result(store: Any) -> xr.Dataset:
    """Open the result of a run, finished or not.

    Parameters
    ----------
    store
        Path or address (``s3://bucket/run.zarr``) of the Zarr store that ``wakesleep run`` wrote
        (or a zarr store object), or path of a NetCDF file that :func:`to_netcdf` made of one.

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
    if isinstance(store, str | Path):
        if str(store).endswith(outputs.CHECKPOINT):
            raise InputError(f"{store}: {outputs.NO_RESULT}")
        store = fetched(store)
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
        wanted = (*ALWAYS, *(dim for dim in ("layer", "sign") if dim in dataset.dims))
        missing = [
            *(f"coordinate '{its}'" for its in wanted if its not in dataset.variables),
            *(f"attribute '{its}'" for its in ATTRIBUTES if its not in dataset.attrs),
        ]
        if missing:
            raise InputError(
                f"{store}: this is not a result of wakesleep, or it is damaged "
                f"({listed(missing)} is missing)"
            )
        # The writer fills the steps of a row last. They are read first, so complete rows are found.
        recorded = dataset["step"].load().values >= 0
        lost = [
            f"'{its}'" for its in dataset.attrs.pop(VARIABLES, ()) if its not in dataset.variables
        ]
        lost += [] if path is None else _lost(path, dataset, int(recorded.sum()))
        if lost:
            raise InputError(f"{store}: is damaged ({listed(lost)} is missing)")
        found = _in_words(dataset.load().isel(probe=recorded))
        found.attrs.pop("every_chunk", None)  # a copy that xarray writes has not every chunk
        if path is not None:  # so that the trained network beside it is found
            found.encoding["source"] = str(path.resolve())
        return found
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{store}: this is not a result of wakesleep, or it is damaged") from None


def _lost(path: Path, dataset: xr.Dataset, rows: int) -> list[str]:
    """Return the variables of a store that lack a chunk of the rows that are recorded.

    Without this check they would read as missing values. Older stores cannot be checked.
    """
    if "every_chunk" not in dataset.attrs or not path.is_dir():
        return []
    lost = []
    for name, variable in dataset.variables.items():
        if variable.dims[:1] != ("probe",):
            continue
        folder, rest = path / str(name) / "c", ["0"] * (variable.ndim - 1)
        count = math.ceil(rows / variable.encoding["chunks"][0])
        if not all(folder.joinpath(str(number), *rest).exists() for number in range(count)):
            lost.append(f"a part of '{name}'")
    return lost


def attributes(place: Path | str) -> dict[str, Any] | None:
    """Return the attributes of a store without opening it; None if there are none.

    The store is a path, or an address (a text).
    """
    try:
        if isinstance(place, str):
            told = read(f"{place}/zarr.json")
        else:
            told = (place / "zarr.json").read_bytes()
        found = json.loads(told)["attributes"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, dict) else None


def finished(place: Path | str) -> bool:
    """Say whether a store, a path or an address, holds a run that has finished."""
    return (attributes(place) or {}).get("status") == "finished"


def _in_words(dataset: xr.Dataset) -> xr.Dataset:
    for variable in dataset.variables.values():
        variable.attrs.pop("_FillValue", None)  # how the file says "nothing yet"
    dataset = in_words(dataset)
    ends = dataset["phase_end"]
    # A folder lists its files in any order; a reader wants that of the schema.
    variables = {
        name: dataset[name]
        for name in (*QUANTITIES, *sorted(map(str, dataset.data_vars)))
        if name in dataset
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
    """Return the provenance of a result, with the parts stored as JSON decoded."""
    in_json = ("inputs", "parameters", "versions", "protocol_resolved", "model_resolved")
    return {
        str(key): json.loads(value) if key in in_json else value
        for key, value in dataset.attrs.items()
    }


def as_numpy(value: Any) -> np.ndarray:
    """Return a torch tensor or anything array-like as a numpy array."""
    import numpy as np

    return value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)
