"""Windows of a sequence as cases: the symbols before, one of k, and the symbol that follows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wakesleep.data import Cases

WINDOW = 10  # symbols, as in Hinton 2022 (arXiv 2212.13345)


def windows(
    strings: NDArray[np.int64], symbols: int, truth: NDArray[np.float64] | None = None
) -> Cases:
    """Return every window of every string with the symbol after it.

    Parameters
    ----------
    strings
        Symbols as numbers (strings, length).
    symbols
        Size of the alphabet.
    truth
        The true probability of every symbol at every place (strings, length, symbols).

    Returns
    -------
    Cases
        ``length - WINDOW`` cases for each string; images (cases, WINDOW * symbols).
    """
    seen = np.lib.stride_tricks.sliding_window_view(strings[:, :-1], WINDOW, axis=1)
    coded = np.eye(symbols, dtype=np.float32)[seen.reshape(-1, WINDOW)]
    return Cases(
        coded.reshape(len(coded), -1),
        strings[:, WINDOW:].reshape(-1).astype(np.int64),
        None if truth is None else truth[:, WINDOW:].reshape(-1, symbols).astype(np.float32),
    )
