"""Signal detection: how well goodness distinguishes real from negative data, and the criterion.

Real data are the signal. A case is called real where its log odds exceed 0, that is, where its
goodness exceeds theta. Terms and corrections as in Macmillan & Creelman, *Detection Theory* (2005).
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def rate(called: Array) -> Array:
    """Return the fraction of cases called real: (..., cases) booleans -> (...)."""
    return called.mean(axis=-1)


def d_prime(real: Array, negative: Array) -> Array:
    """Return d' = z(hit rate) - z(false-positive rate).

    Rates are corrected by the log-linear rule (half a case added to each count; Hautus 1995), so
    that d' stays finite if every case is classified correctly.

    Parameters
    ----------
    real, negative
        Whether each case was called real: (..., cases), booleans.
    """
    return _z(real) - _z(negative)


def criterion(real: Array, negative: Array) -> Array:
    """Return c = -(z(hit rate) + z(false-positive rate)) / 2; c < 0 is a bias towards "real".

    Parameters
    ----------
    real, negative
        Whether each case was called real: (..., cases), booleans.
    """
    return -(_z(real) + _z(negative)) / 2


def auc(real: Array, negative: Array) -> Array:
    """Return the probability that a real case has more goodness than a negative one.

    This is the area under the ROC curve, which does not depend on the criterion. 0.5 is chance.
    Ties count one half.

    Parameters
    ----------
    real, negative
        Goodness (rows, cases).

    Returns
    -------
    array
        (rows,)
    """
    areas = []
    for above, below in zip(real, negative, strict=True):
        order = np.sort(below)
        wins = np.searchsorted(order, above, "left") + np.searchsorted(order, above, "right")
        areas.append(wins.mean() / (2 * len(below)))
    return np.array(areas)


def _z(called: Array) -> Array:
    cases = called.shape[-1]
    rates = (called.sum(axis=-1) + 0.5) / (cases + 1)
    return np.vectorize(NormalDist().inv_cdf, otypes=[float])(rates)
