"""Which units of a Boltzmann machine are connected, and which may therefore be updated at once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from wakesleep.errors import InputError


def full(units: int) -> Tensor:
    """Return the mask (units, units) that connects every unit with every other."""
    return ~torch.eye(units, dtype=torch.bool)


def layered(widths: Sequence[int]) -> Tensor:
    """Return the mask that connects every layer with the next; two layers make it bipartite."""
    mask = torch.zeros(sum(widths), sum(widths), dtype=torch.bool)
    ends = list(itertools.accumulate(widths, initial=0))
    for first, middle, last in zip(ends, ends[1:], ends[2:], strict=False):
        mask[first:middle, middle:last] = True
    return mask | mask.T


def encoder(visible: int, hidden: int) -> Tensor:
    """Return the mask of the encoder problem (Ackley, Hinton & Sejnowski 1985, section 4).

    The visible units fall into two halves. Each is connected within itself and with all hidden
    units; the two halves are not connected, nor are the hidden units among themselves.
    """
    mask = full(visible + hidden)
    half = visible // 2
    mask[:half, half:visible] = mask[half:visible, :half] = False
    mask[visible:, visible:] = False
    return mask


def checked(mask: Sequence[Sequence[int]], units: int) -> Tensor:
    """Return a mask given as rows of 0 and 1.

    Raises
    ------
    InputError
        If it is not of that size, not symmetric, or connects a unit with itself.
    """
    if len(mask) != units or any(len(row) != units for row in mask):
        raise InputError(
            f"mask: it must have {units} rows of {units}, one for every unit (pixels, labels, "
            f"hidden); it has {len(mask)} rows of {len(mask[0]) if mask else 0}"
        )
    found = torch.tensor(mask, dtype=torch.bool)
    if bool((found != found.T).any()):
        one, other = (found & ~found.T).nonzero()[0].tolist()
        raise InputError(
            f"mask: it must be symmetric, but it connects unit {one} with {other} and not "
            f"{other} with {one}"
        )
    if bool(found.diagonal().any()):
        own = int(found.diagonal().nonzero()[0])
        raise InputError(f"mask: it connects unit {own} with itself")
    return found


def blocks(mask: Tensor) -> list[list[int]]:
    """Divide the units into blocks without inner connections; a block is updated at once.

    This is greedy colouring in the order of units: a bipartite machine has two blocks, a full one
    has as many blocks as units.
    """
    found: list[list[int]] = []
    for unit in range(len(mask)):
        neighbours = mask[unit]
        for block in found:
            if not bool(neighbours[block].any()):
                block.append(unit)
                break
        else:
            found.append([unit])
    return found


def to_plus_minus(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the same machine for units of -1 and +1.

    Parameters
    ----------
    weight, bias
        Of E(s) = -s'Ws/2 - b's over {0, 1}: (units, units), symmetric, and (units,).

    Returns
    -------
    weight, bias, constant
        Such that E(s) equals -x'Wx/2 - b'x - constant with x = 2s - 1.
    """
    constant = weight.sum() / 8 + bias.sum() / 2
    return weight / 4, bias / 2 + weight.sum(1) / 4, constant
