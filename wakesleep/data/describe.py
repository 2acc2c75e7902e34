"""A description of a data set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wakesleep.data.names import SPLITS
from wakesleep.data.sets import DataSet


@dataclass(frozen=True)
class Description:
    """A data set in numbers.

    Attributes
    ----------
    cases
        Number of cases by split.
    shape
        Height, width and channels of a case.
    low, high, mean
        Of all values of all cases, as a network sees them.
    binary
        Whether all values are 0 or 1.
    classes
        By class, the number of cases in each split.
    repeated
        By split, the number of cases that occur more than once.
    shared
        By pair of splits, the number of cases of the second that are also in the first.
    missing
        Number of values that are not finite.
    """

    name: str
    cases: dict[str, int]
    shape: tuple[int, int, int]
    low: float
    high: float
    mean: float
    binary: bool
    classes: dict[str, dict[str, int]]
    repeated: dict[str, int]
    shared: dict[tuple[str, str], int]
    missing: int


def describe(its: DataSet) -> Description:
    """Return a data set in numbers."""
    parts = {name: getattr(its, name) for name in SPLITS}
    rows = {name: _rows(cases.images) for name, cases in parts.items()}
    names = its.class_names or tuple(map(str, range(its.classes)))
    height, width = its.shape
    counts = {
        name: np.bincount(cases.labels, minlength=its.classes) for name, cases in parts.items()
    }
    images = [cases.images for cases in parts.values()]
    total = sum(array.size for array in images)
    return Description(
        name=its.name,
        cases={name: len(cases) for name, cases in parts.items()},
        shape=(height, width, its.features // max(1, height * width)),
        low=min(float(array.min()) for array in images),
        high=max(float(array.max()) for array in images),
        mean=sum(float(array.sum(dtype=np.float64)) for array in images) / total,
        binary=all(cases.binary for cases in parts.values()),
        classes={
            name: {split: int(counts[split][number]) for split in SPLITS}
            for number, name in enumerate(names)
        }
        if its.labelled
        else {},
        repeated={name: len(keys) - len(set(keys)) for name, keys in rows.items()},
        shared={
            (one, other): len(set(rows[one]) & set(rows[other]))
            for number, one in enumerate(SPLITS)
            for other in SPLITS[number + 1 :]
        },
        missing=sum(int((~np.isfinite(array)).sum()) for array in images),
    )


def _rows(images: np.ndarray) -> list[bytes]:
    """Return the bytes of every case, by which equal cases are found."""
    return [row.tobytes() for row in np.ascontiguousarray(images)]
