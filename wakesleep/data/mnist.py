"""MNIST (LeCun, Bottou, Bengio & Haffner 1998): 70,000 handwritten digits of 28x28 pixels.

The data folder is searched for ``mnist.npz`` or the four canonical files (gzipped or not); if they
are missing, they are downloaded once. In any case the decoded arrays must have the known digests.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from pathlib import Path

import numpy as np

from wakesleep import data
from wakesleep.data import Cases, DataSet
from wakesleep.data.files import fetch, read_npz
from wakesleep.errors import InputError

TRAIN = 50_000  # and the last 10,000 of the 60,000 training images for validation, as in the paper

URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
FILES = {  # array: (canonical file, md5 of the gzipped file)
    "x_train": ("train-images-idx3-ubyte", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
    "y_train": ("train-labels-idx1-ubyte", "d53e105ee54ea40749a09fcbcd1e9432"),
    "x_test": ("t10k-images-idx3-ubyte", "9fb629c4189551a2d022fa330f9573f3"),
    "y_test": ("t10k-labels-idx1-ubyte", "ec29112dd5afa0611ce80d1b7f02629c"),
}
DIGESTS = {  # array: (shape, sha256 of its bytes)
    "x_train": (
        (60000, 28, 28),
        "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    ),
    "y_train": ((60000,), "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13"),
    "x_test": ((10000, 28, 28), "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161"),
    "y_test": ((10000,), "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5"),
}


def load() -> DataSet:
    """Return MNIST, split 50,000 / 10,000 / 10,000 as in Hinton 2022.

    Raises
    ------
    InputError
        If the files are absent and cannot be downloaded, or are not MNIST.
    """
    arrays = _arrays(data.folder())
    images = {
        name: arrays[name].reshape(-1, 784).astype(np.float32) / np.float32(255)
        for name in ("x_train", "x_test")
    }
    labels = {name: arrays[name].astype(np.int64) for name in ("y_train", "y_test")}
    return DataSet(
        name="mnist",
        train=Cases(images["x_train"][:TRAIN], labels["y_train"][:TRAIN]),
        validation=Cases(images["x_train"][TRAIN:], labels["y_train"][TRAIN:]),
        test=Cases(images["x_test"], labels["y_test"]),
        shape=(28, 28),
        classes=10,
    )


def _arrays(folder: Path) -> dict[str, np.ndarray]:
    packed = folder / "mnist.npz"
    if packed.exists():
        arrays = read_npz("mnist", packed, DIGESTS)
    else:
        arrays = {
            name: _read_idx(_canonical(folder, file, md5), DIGESTS[name][0])
            for name, (file, md5) in FILES.items()
        }
    for name, (shape, digest) in DIGESTS.items():
        array = arrays[name]
        if array.shape != shape or hashlib.sha256(array.tobytes()).hexdigest() != digest:
            raise InputError(
                f"data set 'mnist': the array {name} found in {folder} is not that of "
                "MNIST; remove the file to have it downloaded"
            )
    return arrays


def _canonical(folder: Path, file: str, md5: str) -> Path:
    for path in (folder / file, folder / f"{file}.gz"):
        if path.exists():
            return path
    return fetch("mnist", URL + f"{file}.gz", f"md5:{md5}", folder)


def _read_idx(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Read the IDX format: 4 bytes of kind, 4 bytes per dimension, then the values."""
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as stream:
            content = stream.read()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"data set 'mnist': {path} cannot be read ({error})") from None
    values = np.frombuffer(content, np.uint8, offset=min(len(content), 4 + 4 * len(shape)))
    return values.reshape(shape) if values.size == np.prod(shape) else values
