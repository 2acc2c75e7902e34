"""Strings of Reber's grammar (Reber 1967), whose next symbol has a known distribution.

A string begins with B and ends with E, and the next string follows at once. In between, each of two
transitions is taken with probability 1/2. The last two symbols determine the state, so a window of
ten symbols holds all information, and the error of a prediction can be measured exactly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wakesleep.data import Cases, DataSet
from wakesleep.data.sequences import WINDOW, windows

SYMBOLS = "BTSXPVE"
# State -> the symbols it may write and the states they lead to, all equally probable.
GRAMMAR: dict[int, tuple[tuple[str, int], ...]] = {
    0: (("B", 1),),
    1: (("T", 2), ("P", 3)),
    2: (("S", 2), ("X", 4)),
    3: (("T", 3), ("V", 5)),
    4: (("X", 3), ("S", 6)),
    5: (("P", 4), ("V", 6)),
    6: (("E", 0),),
}
LENGTH = 100 + WINDOW
TRAIN, VALIDATION, TEST = 40, 10, 10  # strings, each of 100 cases


def load() -> DataSet:
    """Return 4000 training, 1000 validation and 1000 test windows, the same at every call."""
    random = np.random.Generator(np.random.PCG64(1967))
    train, validation, test = (_cases(count, random) for count in (TRAIN, VALIDATION, TEST))
    return DataSet(
        name="reber",
        train=train,
        validation=validation,
        test=test,
        shape=(WINDOW, len(SYMBOLS)),
        classes=len(SYMBOLS),
        symbols=SYMBOLS,
    )


def _cases(count: int, random: np.random.Generator) -> Cases:
    strings, truth = written(count, random)
    return windows(strings, len(SYMBOLS), truth)


def written(
    count: int, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Write strings by the grammar, one sentence after another.

    Returns
    -------
    strings, truth
        Symbols (count, LENGTH), and the probability each symbol had (count, LENGTH, symbols).
    """
    strings = np.zeros((count, LENGTH), dtype=np.int64)
    truth = np.zeros((count, LENGTH, len(SYMBOLS)))
    for row in range(count):
        state = 0
        for place in range(LENGTH):
            ways = GRAMMAR[state]
            for symbol, _ in ways:
                truth[row, place, SYMBOLS.index(symbol)] = 1 / len(ways)
            symbol, state = ways[random.integers(len(ways))]
            strings[row, place] = SYMBOLS.index(symbol)
    return strings, truth
