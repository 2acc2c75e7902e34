"""The gradient of a layer at one step: the rows of two matrices, without rows of no effect.

A case that a layer classifies correctly with certainty has no gradient: the factor 1 - p(right) of
eq. 3 (Hinton 2022, arXiv 2212.13345) is 0, or almost 0. After a few thousand steps this is true for
nine cases in ten. Only the other cases are multiplied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from wakesleep.learners.forward_forward.layer import (
    Layer,
    Pieces,
    delta,
    doubt,
    peer_term,
    update,
)
from wakesleep.learners.parts.plasticity import Gain

# Fewer weights than this, and looking for rows takes longer than multiplying all of them.
LEAST_WEIGHTS = 200_000
MOST_KEPT = 0.85  # share of rows beyond which copying the others out does not pay


@dataclass(frozen=True)
class Rows:
    """A gradient that is left' right, a sum over rows.

    Attributes
    ----------
    left
        Deltas (rows, units).
    right
        Normalised inputs (rows, inputs).
    """

    left: Tensor
    right: Tensor


def rows_that_move(
    layer: Layer,
    given: Tensor,
    z: Tensor,
    y: Tensor,
    goodness: Tensor,
    sign: Tensor,
    parts: Mapping[str, slice],
    real: int,
    pieces: Pieces,
    *,
    kept: float | None = None,
) -> dict[str, Rows]:
    """Return the rows that change a layer's weights, by state of the optimiser.

    Parameters
    ----------
    layer
        The layer; its running means of activity are refreshed.
    given
        Its normalised inputs (cases, inputs).
    z, y
        Its total inputs and activities (cases, units).
    goodness
        Their goodness by block (cases, blocks).
    sign
        1 for real cases, -1 for negative ones (cases,).
    parts
        Which cases move the weights by which state (see :func:`layer.state_rows`).
    real
        How many of the first cases are real.
    kept
        For a network in time: the weight of the previous state in this one; weights have no effect
        on that part now.
    """
    wrong = doubt(layer, goodness, sign, pieces)
    bound = pieces.skip_below
    if bound:
        wrong = wrong.masked_fill(wrong <= bound, 0.0)
    peer = peer_term(layer, y[:real], pieces) if real and pieces.peer else None
    found = {}
    for name, part in parts.items():
        its_real = real if part.start in (None, 0) else 0
        index = of_effect(layer, wrong[part], part.start or 0)
        some = part if index is None else index
        left = delta(layer, z, y, wrong, sign, pieces, some, damped=kept is not None)
        right = given[some]
        if kept:  # the state before is given; only the new part of this one depends on weights
            left.mul_(1 - kept)
        if peer is not None and its_real:
            if index is None:
                left[:its_real] += peer
            else:
                # The term is the same for all real cases: one row stands for all of them. Its
                # sums over rows, with the inputs and without them, are those of the cases.
                left = torch.cat((left, its_real * peer.unsqueeze(0)))
                right = torch.cat((right, given[:its_real].mean(0, keepdim=True)))
        found[name] = Rows(left, right)
    return found


def move(
    layer: Layer,
    moving: Mapping[str, Rows],
    cases: int,
    pieces: Pieces,
    gain: Gain,
    baseline: float = 0.0,
) -> None:
    """Move a layer's weights and biases along its rows, state by state; see :func:`update`."""
    for number, (name, its) in enumerate(moving.items()):
        fades = number == 0  # once a step
        update(layer, name, its.left, its.right, cases, pieces, gain, baseline, fades)


def of_effect(layer: Layer, wrong: Tensor, first: int) -> Tensor | None:
    """Return the numbers of the cases whose doubt is not 0, or None if all cases are used.

    On a GPU all are used, since it would have to wait for the number of cases.
    """
    if wrong.device.type != "cpu" or layer.weight.numel() < LEAST_WEIGHTS:
        return None
    some = wrong.any(1) if wrong.shape[1] > 1 else wrong[:, 0]
    index = some.nonzero().squeeze(1)
    if len(index) > MOST_KEPT * len(wrong):
        return None
    return index + first if first else index
