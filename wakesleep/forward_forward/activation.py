"""Activation functions with their slopes in closed form.

A new one is a pair of functions and one line in :data:`ACTIVATIONS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

LEAK = 0.01


@dataclass(frozen=True)
class Activation:
    """One activation function.

    Attributes
    ----------
    value
        Total input z (..., units) -> activity y (..., units).
    slope
        Activity y (..., units) -> dy/dz (..., units). A function of the activity, so that the
        total input need not be kept.
    """

    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]


def _leaky_slope(y: Tensor) -> Tensor:
    return torch.full_like(y, LEAK).masked_fill_(y > 0, 1.0)


ACTIVATIONS = {
    "relu": Activation(value=torch.relu, slope=torch.sign),  # y is never negative
    "leaky_relu": Activation(
        value=lambda z: torch.nn.functional.leaky_relu(z, LEAK), slope=_leaky_slope
    ),
}
