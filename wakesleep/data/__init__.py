"""Data sets: images or windows of text, split once and for all to train, validate and test.

:data:`DATA_SETS` names every data set and ``module:function`` that loads it (``load`` where none
is named); nothing heavy is imported before a data set is asked for.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wakesleep.errors import InputError, choices

if TYPE_CHECKING:
    import numpy as np

DATA_SETS: dict[str, str] = {
    "digits": "wakesleep.data.digits",
    **{f"digits_{split}": f"wakesleep.data.digits:digits_{split}" for split in range(1, 5)},
    "mnist": "wakesleep.data.mnist",
    "cifar10": "wakesleep.data.cifar10",
    "reber": "wakesleep.data.reber",
    "aesop": "wakesleep.data.aesop",
    "digits_binary": "wakesleep.data.binary:digits",
    "mnist_binary": "wakesleep.data.binary:mnist",
    "bars_and_stripes_2": "wakesleep.data.worlds:bars_and_stripes_2",
    "bars_and_stripes_3": "wakesleep.data.worlds:bars_and_stripes_3",
    "bars_and_stripes_4": "wakesleep.data.worlds:bars_and_stripes_4",
    "encoder_4": "wakesleep.data.worlds:encoder_4",
    "encoder_8": "wakesleep.data.worlds:encoder_8",
    "encoder_40": "wakesleep.data.worlds:encoder_40",
    "shifter": "wakesleep.data.worlds:shifter",
    "parity_3": "wakesleep.data.worlds:parity",
    "patterns_100": "wakesleep.data.patterns",
}

SPLITS = ("train", "validation", "test")

# All others come with the package, or are made.
DOWNLOADED = ("mnist", "mnist_binary", "cifar10", "aesop")


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
        """Return the entropy of the images in nats, each as probable as it is frequent.

        With ``labelled`` that of images together with their labels.
        """
        import numpy as np

        cases = np.column_stack([self.images, self.labels]) if labelled else self.images
        counts = np.unique(cases, axis=0, return_counts=True)[1]
        p = counts / counts.sum()
        return float(-(p * np.log(p)).sum())

    def first(self, count: int | None) -> Cases:
        """Return the first so many cases, or all for None."""
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
        Disjoint cases: to learn from, to choose by, and to be read once.
    shape
        Height and width of an image, in pixels; its features are ordered by row, column and colour.
    classes
        Number of classes.
    symbols
        For sequences: the alphabet, one character for each class. An image is then a window of
        symbols, each coded one of k, and its label the symbol that follows.
    population
        Whether the cases are all there are: the three parts are then the same.
    """

    name: str
    train: Cases
    validation: Cases
    test: Cases
    shape: tuple[int, int]
    classes: int
    symbols: str | None = None
    population: bool = False

    @property
    def window(self) -> int | None:
        """Symbols in a window; None where the data are no sequences."""
        return None if self.symbols is None else self.features // len(self.symbols)

    @property
    def features(self) -> int:
        """Numbers that an image comes to: pixels times colours."""
        return int(self.train.images.shape[1])

    @functools.cached_property
    def digest(self) -> str:
        """The sha256 of all cases in order, as hexadecimal digits."""
        hasher = hashlib.sha256()
        for cases in (self.train, self.validation, self.test):
            hasher.update(cases.images.tobytes())
            hasher.update(cases.labels.tobytes())
        return hasher.hexdigest()


def check_split(name: str) -> None:
    """Refuse what is no part of a data set.

    Raises
    ------
    InputError
        If it is none of :data:`SPLITS`.
    """
    if name not in SPLITS:
        raise InputError(f"there is no split '{name}'{choices(name, SPLITS)}")


def load(name: str) -> DataSet:
    """Load a data set by name.

    Raises
    ------
    InputError
        If there is no such data set, or its files are neither here nor to be had.
    """
    if name not in DATA_SETS:
        raise InputError(f"data set '{name}' is unknown{choices(name, DATA_SETS)}")
    return _loaded(name, folder())


@functools.lru_cache(maxsize=2)
def _loaded(name: str, place: Path) -> DataSet:
    """Load a data set once in a process, however many runs use it."""
    module, _, function = DATA_SETS[name].partition(":")
    loaded: DataSet = getattr(importlib.import_module(module), function or "load")()
    return loaded


def folder() -> Path:
    """Return where data files are looked for first and kept after a download.

    It is ``$WAKESLEEP_DATA_DIR`` where that is set, else the user's cache folder.
    """
    named = os.environ.get("WAKESLEEP_DATA_DIR")
    if named:
        return Path(named).expanduser()
    import pooch

    return Path(pooch.os_cache("wakesleep"))
