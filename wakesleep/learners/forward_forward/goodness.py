"""Goodness: the one number that a layer raises on real data and lowers on negative data.

Hinton 2022 (arXiv 2212.13345), section 2 and eq. 1. To add a goodness, write its three functions
and one line in :data:`GOODNESS`; the tests check its slope against autograd by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Goodness:
    """One definition of goodness.

    Attributes
    ----------
    value
        Activities (..., units) -> goodness (...), in squared activity (``minus_sum``: in activity).
    half_slope
        Activities (..., units) -> half the derivative of the goodness with respect to each
        activity (..., units). Half, because the author's program drops the factor 2 of eq. 3, and
        the learning rates in the literature are those of that program.
    threshold
        Threshold per unit, number of units -> theta of eq. 1, the goodness at which p = 1/2.
    flat_at_zero
        Whether the slope is 0 for activities of 0.
    """

    value: Callable[[Tensor], Tensor]
    half_slope: Callable[[Tensor], Tensor]
    threshold: Callable[[float, int], float]
    flat_at_zero: bool = False


def sum_of_squares(y: Tensor) -> Tensor:
    """Return sum_j y_j^2 over the last axis (eq. 1)."""
    # The squares are not stored: this saves a pass over memory compared with summing y^2.
    return torch.linalg.vector_norm(y, dim=-1).square()


def mean_of_squares(y: Tensor) -> Tensor:
    """Return the mean of y_j^2 over the last axis."""
    return sum_of_squares(y) / y.shape[-1]


def minus_sum_of_squares(y: Tensor) -> Tensor:
    """Return -sum_j y_j^2: real data get *low* activity (section 5 of the paper)."""
    return -sum_of_squares(y)


def minus_sum(y: Tensor) -> Tensor:
    """Return -sum_j y_j, to go with the normalisation ``mean`` (footnote 22)."""
    return -y.sum(-1)


def features_minus_violations(y: Tensor) -> Tensor:
    """Return the sum of squares of the first half of the units less that of the second half.

    Section 10 of the paper, after Welling, Zemel & Hinton 2003: feature detectors are active on
    real data, detectors of violated constraints on negative data.
    """
    half = y.shape[-1] // 2
    return y[..., :half].square().sum(-1) - y[..., half:].square().sum(-1)


def _half_slope_of_two_populations(y: Tensor) -> Tensor:
    half = y.shape[-1] // 2
    return torch.cat((y[..., :half], -y[..., half:]), dim=-1)


GOODNESS = {
    "sum_of_squares": Goodness(
        value=sum_of_squares,
        half_slope=lambda y: y,
        threshold=lambda per_unit, units: per_unit * units,
        flat_at_zero=True,
    ),
    "mean_of_squares": Goodness(
        value=mean_of_squares,
        half_slope=lambda y: y / y.shape[-1],
        threshold=lambda per_unit, units: per_unit,
        flat_at_zero=True,
    ),
    "minus_sum_of_squares": Goodness(
        value=minus_sum_of_squares,
        half_slope=lambda y: -y,
        threshold=lambda per_unit, units: -per_unit * units,
        flat_at_zero=True,
    ),
    "minus_sum": Goodness(
        value=minus_sum,
        half_slope=lambda y: torch.full_like(y, -0.5),
        threshold=lambda per_unit, units: -per_unit * units,
    ),
    "features_minus_violations": Goodness(
        value=features_minus_violations,
        half_slope=_half_slope_of_two_populations,
        threshold=lambda per_unit, units: per_unit * (units // 2 - (units - units // 2)),
    ),
}
