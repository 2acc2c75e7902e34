"""CIFAR-10 (Krizhevsky 2009): 60,000 colour images of 32x32 pixels in ten classes.

The data folder is searched for ``cifar10.npz`` (``x_train``, ``y_train``, ``x_test``,
``y_test``; images (n, 32, 32, 3) of bytes) or for the archive for Python; if there is neither, the
archive is downloaded once. An image's features are ordered by row, column and colour.
"""

from __future__ import annotations

import codecs
import io
import pickle
import tarfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from wakesleep import data
from wakesleep.data import Cases, DataSet
from wakesleep.data.files import fetch, read_npz
from wakesleep.errors import InputError

TRAIN = 45_000  # and the last 5,000 of the 50,000 training images for validation

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
MD5 = "md5:c58f30108f718f92721af3b95e74349a"
PARTS = {
    "train": [f"cifar-10-batches-py/data_batch_{number}" for number in range(1, 6)],
    "test": ["cifar-10-batches-py/test_batch"],
}
DAMAGED = (tarfile.TarError, zlib.error)
SIZES = {"train": 50_000, "test": 10_000}


def load() -> DataSet:
    """Return CIFAR-10, split 45,000 / 5,000 / 10,000.

    Raises
    ------
    InputError
        If the files are absent and cannot be downloaded, or are not CIFAR-10.
    """
    folder = data.folder()
    packed = folder / "cifar10.npz"
    if packed.exists():
        names = [f"{what}_{part}" for part in SIZES for what in "xy"]
        arrays = read_npz("cifar10", packed, names)
    else:
        arrays = _read_archive(_archive(folder))
    images, labels = {}, {}
    for part, size in SIZES.items():
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"].reshape(-1)
        if x.shape != (size, 32, 32, 3) or x.dtype != np.uint8 or y.shape != (size,):
            raise InputError(
                f"data set 'cifar10': x_{part} and y_{part} found in {folder} should be bytes of "
                f"shape ({size}, 32, 32, 3) and {size} labels, not {x.dtype} of shape {x.shape} "
                f"and {y.size} labels"
            )
        if y.min() < 0 or y.max() > 9:
            raise InputError(f"data set 'cifar10': y_{part} in {folder} has labels beyond 0 to 9")
        images[part] = x.reshape(size, -1).astype(np.float32) / np.float32(255)
        labels[part] = y.astype(np.int64)
    return DataSet(
        name="cifar10",
        train=Cases(images["train"][:TRAIN], labels["train"][:TRAIN]),
        validation=Cases(images["train"][TRAIN:], labels["train"][TRAIN:]),
        test=Cases(images["test"], labels["test"]),
        shape=(32, 32),
        classes=10,
    )


def _archive(folder: Path) -> Path:
    path = folder / "cifar-10-python.tar.gz"
    return path if path.exists() else fetch("cifar10", URL, MD5, folder)


def _read_archive(path: Path) -> dict[str, np.ndarray]:
    found = {}
    try:
        with tarfile.open(path) as archive:
            for part, names in PARTS.items():
                batches = [_unpickled(archive, name) for name in names]
                pixels = np.concatenate([its[b"data"] for its in batches])
                found[f"x_{part}"] = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
                found[f"y_{part}"] = np.concatenate([its[b"labels"] for its in batches])
    except (OSError, EOFError, KeyError, ValueError, TypeError, *DAMAGED) as error:
        reason = type(error).__name__ if isinstance(error, DAMAGED) else error
        raise InputError(f"data set 'cifar10': {path} cannot be read ({reason})") from None
    except pickle.UnpicklingError as error:
        raise InputError(f"data set 'cifar10': {path} is not CIFAR-10 ({error})") from None
    return found


def _unpickled(archive: tarfile.TarFile, name: str) -> Any:
    stream = archive.extractfile(name)
    if stream is None:
        raise KeyError(name)
    return _Arrays(io.BytesIO(stream.read()), encoding="bytes").load()


class _Arrays(pickle.Unpickler):
    """Unpickles arrays alone: nothing else in a file may be called."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("numpy", "ndarray"):
            return np.ndarray
        if (module, name) == ("numpy", "dtype"):
            return np.dtype
        if (module, name) == ("_codecs", "encode"):  # how some pickles hold bytes
            return codecs.encode
        if name == "_reconstruct" and module in (
            "numpy.core.multiarray",
            "numpy._core.multiarray",
        ):
            from numpy._core.multiarray import _reconstruct  # type: ignore[attr-defined]

            return _reconstruct
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")
