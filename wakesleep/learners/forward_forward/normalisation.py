"""What a layer tells the next: the direction of its activity, not its length.

If the length went up as well, the next layer could tell real from negative data by reading off the
goodness below, and would learn nothing (Hinton 2022, section 2). The mean is not subtracted.

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
    """Return 1: the activity goes up as it is (a control; then layers above the first idle)."""
    return y.new_ones((*y.shape[:-1], 1))


NORMALISATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "rms": rms,
    "length": length,
    "mean": mean,
    "none": none,
}
