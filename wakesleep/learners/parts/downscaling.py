"""Shrinking weights in place, without learning."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def paces(activities: Sequence[Tensor]) -> list[Tensor]:
    """Return how fast the weights into each unit shrink (units,), 1 on the mean of a layer.

    Parameters
    ----------
    activities
        Mean activity of the units of each layer (units,); what is below 0 counts as 0. Where all
        units of a layer are silent, all have pace 1.
    """
    found = []
    for activity in activities:
        active = activity.clamp_min(0)
        mean = active.mean()
        found.append(active / mean if bool(mean > 0) else torch.ones_like(active))
    return found


def shrink(
    weights: Sequence[Tensor],
    factor: float,
    times: int,
    spare: float = 0.0,
    pace: Sequence[Tensor] | None = None,
) -> None:
    """Multiply the weights of each layer by a factor a few times, except for the strongest.

    Many short calls and a few long ones give the same numbers, bit for bit.

    Parameters
    ----------
    weights
        A tensor for each layer, of any shape; changed in place.
    factor, times
        The factor, and how often.
    spare
        Share of each tensor's weights that do not shrink: those of the largest size. Weights of 0
        do not count, and ties with the smallest of them do not shrink either. They are the same at
        every call, since the others only become smaller (as long as none vanishes).
    pace
        For each tensor, powers to which the factor is raised, one for each of its rows (rows,).
    """
    for number, its in enumerate(weights):
        size = its.abs()
        there = size[size > 0]
        spared = round(spare * len(there))
        by: Tensor | float = factor
        if pace is not None:
            by = (factor ** pace[number].to(its)).view(-1, *[1] * (its.dim() - 1))
        if spared:
            bound = there.kthvalue(len(there) - spared + 1).values
            by = torch.where(size < bound, by, 1.0).to(its)
        for _ in range(times):
            its.mul_(by)
