"""Shrinking weights in place, without learning."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def shrink(weights: Sequence[Tensor], factor: float, times: int, spare: float = 0.0) -> None:
    """Multiply the weights of each layer by a factor a few times, but for the strongest.

    Many small steps and a few long ones give the same numbers, bit for bit.

    Parameters
    ----------
    weights
        A tensor for each layer, of any shape; changed in place.
    factor, times
        The factor, and how often.
    spare
        Share of each tensor's weights that stay as they are, those of the greatest size; weights
        that are 0 do not count, and one as great as the smallest of them stays too. They are the
        same at every call, for the others only become smaller.
    """
    for its in weights:
        size = its.abs()
        there = size[size > 0]
        spared = round(spare * len(there))
        by: Tensor | float = factor
        if spared:
            bound = there.kthvalue(len(there) - spared + 1).values
            by = torch.where(size < bound, factor, 1.0).to(its)
        for _ in range(times):
            its.mul_(by)
