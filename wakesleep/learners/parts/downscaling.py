"""Shrinking weights in place, without learning."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor


def shrink(weights: Sequence[Tensor], kept: float, spare: float = 0.0) -> None:
    """Multiply the weights of each layer by a factor, but for the strongest.

    Parameters
    ----------
    weights
        A tensor for each layer, of any shape; changed in place.
    kept
        The factor.
    spare
        Share of each tensor's weights, the greatest in size, that stay as they are. They are the
        same at every call, for the others only become smaller.
    """
    for its in weights:
        spared = round(spare * its.numel())
        if not spared:
            its.mul_(kept)
            continue
        size = its.abs().flatten()
        bound = size.kthvalue(its.numel() - spared + 1).values
        its.mul_(1 - (1 - kept) * (its.abs() < bound).to(its))
