"""What a data set is: cases in three parts, with labels, and the shape of an image."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Cases:
    """Images (cases, features), float32 in [0, 1], and their labels (cases,), int64.

    ``truth`` holds the true probability of every label (cases, classes) where the data were made
    by a known process.
    """

    images: np.ndarray
    labels: np.ndarray
    truth: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def binary(self) -> bool:
        """Whether all features are 0 or 1."""
        return bool(((self.images == 0) | (self.images == 1)).all())

    def entropy(self, labelled: bool = False) -> float:
        """Return the entropy in nats of the distribution of images in the data.

        With ``labelled``, of images together with their labels.
        """
        import numpy as np

        cases = np.column_stack([self.images, self.labels]) if labelled else self.images
        counts = np.unique(cases, axis=0, return_counts=True)[1]
        p = counts / counts.sum()
        return float(-(p * np.log(p)).sum())

    def first(self, count: int | None) -> Cases:
        """Return the first ``count`` cases, or all for None."""
        truth = None if self.truth is None else self.truth[:count]
        return Cases(self.images[:count], self.labels[:count], truth)


@dataclass(frozen=True)
class DataSet:
    """A data set.

    Attributes
    ----------
    name
        Its name.
    train, validation, test
        Disjoint cases: for learning, for choices, and for one final test.
    shape
        Height and width of an image, in pixels; its features are ordered by row, column and colour.
    classes
        Number of classes.
    symbols
        For sequences: the alphabet, one character for each class. An image is then a window of
        symbols, each coded one of k, and its label the symbol that follows.
    population
        Whether the cases are a whole population; the three parts are then the same.
    class_names
        Names of the classes, in order; None if their names are their numbers.
    labelled
        Whether the cases have labels; else every label is 0.
    """

    name: str
    train: Cases
    validation: Cases
    test: Cases
    shape: tuple[int, int]
    classes: int
    symbols: str | None = None
    population: bool = False
    class_names: tuple[str, ...] | None = None
    labelled: bool = True

    @property
    def window(self) -> int | None:
        """Symbols in a window; None where the data are no sequences."""
        return None if self.symbols is None else self.features // len(self.symbols)

    @property
    def features(self) -> int:
        """Number of features of an image: pixels times colours."""
        return int(self.train.images.shape[1])

    @functools.cached_property
    def digest(self) -> str:
        """The sha256 of all cases in order, as hexadecimal digits."""
        hasher = hashlib.sha256()
        for cases in (self.train, self.validation, self.test):
            hasher.update(cases.images.tobytes())
            hasher.update(cases.labels.tobytes())
        return hasher.hexdigest()
