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
        Total input z (..., units) -> dy/dz (..., units).
    slope_is_gate
        Whether the slope is 1 wherever the activity is not 0.
    in_place
        The same as ``value``, but in place of z; only for functions whose slope can be computed
        from the activities instead of z. None for other functions.
    """

    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]
    slope_is_gate: bool = False
    in_place: Callable[[Tensor], Tensor] | None = None

    def of(self, z: Tensor) -> Tensor:
        """Return activities; z may be overwritten with them."""
        return self.value(z) if self.in_place is None else self.in_place(z)


def _leaky_slope(z: Tensor) -> Tensor:
    return torch.full_like(z, LEAK).masked_fill_(z > 0, 1.0)


ACTIVATIONS = {
    "relu": Activation(
        value=torch.relu,
        slope=lambda z: (z > 0).to(z.dtype),
        slope_is_gate=True,
        in_place=torch.relu_,
    ),
    "leaky_relu": Activation(
        value=lambda z: torch.nn.functional.leaky_relu(z, LEAK), slope=_leaky_slope
    ),
    # Minus the log density of Student's t with one degree of freedom, less its constant: the
    # candidate of section 10 of the paper (after Osindero, Welling & Hinton 2006).
    "minus_log_t": Activation(
        value=lambda z: z.square().log1p(), slope=lambda z: 2 * z / (1 + z.square())
    ),
}
