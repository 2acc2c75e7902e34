"""Checks of the content of a checkpoint, before a learner loads it."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor


def check_shapes(mine: Iterable[Tensor], theirs: Iterable[Tensor]) -> None:
    """Refuse the weights of another network.

    Raises
    ------
    ValueError
        If there are more or fewer of them, or one has another shape.
    """
    for ours, other in zip(mine, theirs, strict=True):
        if ours.shape != other.shape:
            raise ValueError(f"weights of shape {tuple(other.shape)}, not {tuple(ours.shape)}")
