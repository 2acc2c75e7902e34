"""Gradients of a batch whose cases are divided among several processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from wakesleep.learners.parts.connections import Connection, Gradient

# Turns a tensor in place into its mean over the processes that share every batch.
Mean = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Averaged:
    """The mean of a gradient over processes."""

    gradient: Gradient
    mean: Mean

    def __call__(self, into: Tensor, beta: float, alpha: float) -> Tensor:
        """Return into <- beta into + alpha mean(gradient), in place."""
        here = torch.empty_like(into)
        self.gradient(here, 0.0, alpha)
        whole = self.mean(here)
        # What has not been filled yet may hold anything, and 0 times nan is nan.
        return into.mul_(beta).add_(whole) if beta else into.copy_(whole)


def whole_gradient(
    connection: Connection, left: Tensor, right: Tensor, mean: Mean | None
) -> tuple[Gradient, Tensor]:
    """Return the gradient of a batch, and rows whose sum is that of all deltas.

    Parameters
    ----------
    connection
        Which inputs each unit sees.
    left, right
        Deltas (cases, units) and inputs (cases, inputs) of this process's cases.
    mean
        Averages over the processes that share the batch; None where one has all of it.
    """
    gradient = connection.gradient(left, right)
    if mean is None:
        return gradient, left
    return Averaged(gradient, mean), mean(left.sum(0, keepdim=True))
