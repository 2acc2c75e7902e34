"""Scikit-learn's digits: 1797 real handwritten digits of 8x8 pixels, embedded, no download.

They are the test part of Alpaydin & Kaynak's *Optical Recognition of Handwritten Digits* (UCI
Machine Learning Repository, 1998): pixel counts of 0 to 16, here divided by 16.
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

from wakesleep.data import Cases, DataSet

TRAIN, VALIDATION = 1200, 297  # and 300 test cases


def load(split: int = 0) -> DataSet:
    """Return the digits, shuffled by a fixed permutation and split 1200 / 297 / 300.

    Parameters
    ----------
    split
        Number of the permutation (0 is the usual one); others test whether a result depends on it.
    """
    digits = table()
    images = (digits[:, :-1] / 16).astype(np.float32)
    labels = digits[:, -1].astype(np.int64)
    # Neighbours in the file are similar, so a split without shuffling would be biased.
    order = np.random.Generator(np.random.PCG64(1797 + split)).permutation(len(labels))
    train, validation, test = np.split(order, [TRAIN, TRAIN + VALIDATION])
    return DataSet(
        name=f"digits_{split}" if split else "digits",
        train=Cases(images[train], labels[train]),
        validation=Cases(images[validation], labels[validation]),
        test=Cases(images[test], labels[test]),
        shape=(8, 8),
        classes=10,
    )


def table() -> np.ndarray:
    """Return 64 pixels and a label of every digit (1797, 65).

    The file is read directly from scikit-learn's folder: its import takes as long as that of torch.
    """
    import importlib.util

    found = importlib.util.find_spec("sklearn")
    for folder in (found.submodule_search_locations or ()) if found else ():
        path = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if path.is_file():
            return np.loadtxt(path, delimiter=",")
    from sklearn.datasets import load_digits

    digits = load_digits()
    return np.column_stack((digits.data, digits.target))


# Functions for the names of data sets.
digits_1 = functools.partial(load, 1)
digits_2 = functools.partial(load, 2)
digits_3 = functools.partial(load, 3)
digits_4 = functools.partial(load, 4)
