"""Normalisation between layers: the next layer gets the direction of the activity, not its length.

If it also got the length, it could distinguish real from negative data by the goodness of the layer
below, and would not have to learn (Hinton 2022, section 2). The mean is not subtracted.

A normalisation is one function that returns the factor by which a vector is multiplied.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

# The author's program guards against a silent layer with exp(-50): a silent layer stays silent,
# and no other layer's activity is changed in the last digit.
TINY = 1.9e-22


def rms(y: Tensor) -> Tensor:
    """Return the factor (..., 1) that makes the mean square 1 (the squared length is the width)."""
    return length(y) * y.shape[-1] ** 0.5


def length(y: Tensor) -> Tensor:
    """Return the factor (..., 1) that makes the length 1."""
    return torch.linalg.vector_norm(y, dim=-1, keepdim=True).add(TINY).reciprocal()


def mean(y: Tensor) -> Tensor:
    """Return the factor (..., 1) that makes the mean 1; for a goodness of unsquared activities.

    The length then has to be divided by the sum of activities (footnote 22 of the paper).
    """
    return y.mean(-1, keepdim=True).add(TINY).reciprocal()


def none(y: Tensor) -> Tensor:
    """Return 1: no normalisation (a control, in which layers above the first do not learn)."""
    return y.new_ones((*y.shape[:-1], 1))


NORMALISATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "rms": rms,
    "length": length,
    "mean": mean,
    "none": none,
}


def _back_through_length(y: Tensor, factor: Tensor, above: Tensor) -> Tensor:
    along = (above * y).sum(-1, keepdim=True) / y.square().sum(-1, keepdim=True).clamp_min(TINY)
    return factor * (above - along * y)


def _back_through_mean(y: Tensor, factor: Tensor, above: Tensor) -> Tensor:
    return factor * (above - factor * (above * y).mean(-1, keepdim=True))


def _back_through_none(y: Tensor, factor: Tensor, above: Tensor) -> Tensor:
    return above


# Vectors y (..., units), their factors (..., 1), and the derivative of something by each normalised
# value (..., units) -> its derivative by each value of y (..., units).
BACK: dict[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    rms: _back_through_length,
    length: _back_through_length,
    mean: _back_through_mean,
    none: _back_through_none,
}
