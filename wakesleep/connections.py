"""Which units of a layer see which inputs: all of them, or those of a receptive field.

Local layers have no weight sharing. Their units are held together in tiles of neighbouring places,
which see one window: a gather of the windows, then one batched matrix product over tiles. Within a
window, what lies outside a unit's own field has weight 0. With tiles of one place no product is
wasted, but those of a few channels each are too small for a processor to be quick at.

A connection knows no learning rule. It gives a layer's total input, and turns a layer's deltas and
inputs into the factors whose product is the gradient.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from wakesleep.errors import InputError
from wakesleep.receptive_fields import LocalLayer
from wakesleep.specs import MOST_UNITS

TILE_UNITS = 32  # fewer units than this and a tile's product is slow
MOST_WASTE = 1.5  # most that a tile's window is longer than a field, in each direction


@dataclass(frozen=True)
class Dense:
    """All units see all inputs; weights are (units, inputs)."""

    inputs: int
    units: int

    def start(self, generator: torch.Generator, like: Tensor) -> Tensor:
        """Return weights of variance 1/fan-in, of the kind of ``like``."""
        shape = (self.units, self.inputs)
        return _normal(shape, generator, like) / math.sqrt(self.inputs)

    def drive(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """Return total inputs (n, units) for inputs (n, inputs)."""
        return x @ weight.T if bias is None else torch.addmm(bias, x, weight.T)

    def factors(self, left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
        """Return (..., n, units) and (..., n, inputs), whose product is the weights' gradient."""
        return left, right

    def confine(self, weight: Tensor) -> None:
        """Do nothing: every weight may be any number."""

    def as_dense(self, weight: Tensor) -> Tensor:
        """Return the weights as they are."""
        return weight


@dataclass(frozen=True)
class Local:
    """Every unit sees a field of a map; weights are (tiles, units of a tile, window).

    Attributes
    ----------
    inputs, units
        Numbers of them.
    window
        Inputs that each tile sees (tiles, window); ``inputs`` itself stands for nothing there.
    mask
        Which of them each unit sees (tiles, units of a tile, window), 0 or 1.
    output
        Number of each unit by place (rows, columns, channels).
    """

    inputs: int
    units: int
    window: Tensor
    mask: Tensor
    output: Tensor

    def start(self, generator: torch.Generator, like: Tensor) -> Tensor:
        """Return weights of variance 1/fan-in, of the kind of ``like``."""
        mask = self.mask.to(like.dtype)
        return _normal(mask.shape, generator, like) * mask / mask.sum(2, keepdim=True).sqrt()

    def drive(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """Return total inputs (n, units) for inputs (n, inputs)."""
        z = torch.bmm(weight, self._windows(x)).flatten(0, 1).T
        return z.contiguous() if bias is None else z + bias

    def factors(self, left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
        """Return (..., n, units) and (..., n, inputs), whose product is the weights' gradient."""
        tiles = left.T.contiguous().view(len(self.window), -1, len(left))
        return tiles.mT, self._windows(right).mT

    def confine(self, weight: Tensor) -> None:
        """Set weights outside of fields to zero, in place."""
        weight.mul_(self.mask)

    def as_dense(self, weight: Tensor) -> Tensor:
        """Return the same weights as a matrix (units, inputs) with zeros."""
        tiles, units, _ = weight.shape
        whole = weight.new_zeros(tiles, units, self.inputs + 1)
        whole.scatter_(2, self.window.unsqueeze(1).expand_as(weight), weight * self.mask)
        return whole.flatten(0, 1)[:, : self.inputs]

    def _windows(self, x: Tensor) -> Tensor:
        """Return what each tile sees (tiles, window, n) of inputs (n, inputs)."""
        # Whole rows of cases are copied: that is far quicker than one number after another.
        columns = torch.nn.functional.pad(x.T, (0, 0, 0, 1))
        return columns.index_select(0, self.window.flatten()).view(*self.window.shape, -1)


Connection = Dense | Local


def connected(
    inputs: int, image: tuple[int, ...], layers: Sequence[int | LocalLayer], device: torch.device
) -> list[Connection]:
    """Return the connections of a stack of layers, each with the one below.

    Parameters
    ----------
    inputs
        Number of inputs.
    image
        Rows, columns and channels of the image at the input, for a local first layer.
    layers
        Units of each layer, or its receptive fields.
    device
        Where their tensors live.

    Raises
    ------
    InputError
        If a field does not fit.
    """
    found: list[Connection] = []
    map_below: Tensor | None = None
    for number, its in enumerate(layers, 1):
        if isinstance(its, LocalLayer):
            if not math.prod(image):
                raise InputError("receptive fields are for images; these data are strings")
            if map_below is None:
                map_below = torch.arange(math.prod(image)).view(*image)
            places = math.prod(len(its.starts(side, str(number))) for side in map_below.shape[:2])
            if places * its.channels > MOST_UNITS:
                raise InputError(
                    f"layer {number}: {places} places with {its.channels} units each are more than "
                    f"{MOST_UNITS:,} units"
                )
            made = local(map_below, its, str(number), device)
            map_below = made.output
            found.append(made)
        else:
            found.append(Dense(found[-1].units if found else inputs, its))
    return found


def local(
    below: Tensor, its: LocalLayer, name: str, device: torch.device, tile: int | None = None
) -> Local:
    """Return the connections of a local layer.

    Parameters
    ----------
    below
        Number of each input by place (rows, columns, channels).
    its
        The layer's fields.
    name
        Name of the layer, for errors.
    device
        Where its tensors live.
    tile
        Side of a tile in places, which must divide both sides of the layer's map; default the
        smallest with enough units.
    """
    starts = [its.starts(side, name) for side in below.shape[:2]]
    sides = [len(its) for its in starts]
    if tile is None:
        fit = [
            t
            for t in range(1, min(sides) + 1)
            if all(side % t == 0 for side in sides)
            and (t - 1) * its.stride + its.field <= MOST_WASTE * its.field
        ]
        tile = next((t for t in fit if t * t * its.channels >= TILE_UNITS), fit[-1])
    reach = (tile - 1) * its.stride + its.field
    # Beyond the edges of the map lies nothing: an input of zero, the last.
    inputs = below.numel()
    ahead = [max(0, -one[0]) for one in starts]
    behind = [
        max(0, one[-1] + its.field - side)
        for one, side in zip(starts, below.shape[:2], strict=True)
    ]
    framed = torch.nn.functional.pad(
        below, (0, 0, ahead[1], behind[1], ahead[0], behind[0]), value=inputs
    )
    tiles = [
        framed[top : top + reach, left : left + reach].flatten()
        for top in (row + ahead[0] for row in starts[0][::tile])
        for left in (column + ahead[1] for column in starts[1][::tile])
    ]
    window = torch.stack(tiles)
    seen = torch.zeros(tile, tile, its.channels, reach, reach, below.shape[2])
    for row in range(tile):
        for column in range(tile):
            top, left = row * its.stride, column * its.stride
            seen[row, column, :, top : top + its.field, left : left + its.field] = 1
    mask = seen.view(1, tile * tile * its.channels, -1) * (window < inputs).unsqueeze(1)
    units = sides[0] * sides[1] * its.channels
    order = torch.arange(units).view(sides[0] // tile, sides[1] // tile, tile, tile, its.channels)
    output = order.permute(0, 2, 1, 3, 4).reshape(*sides, its.channels)
    return Local(inputs, units, window.to(device), mask.to(device), output)


def joined(one: Local, more: Local | int) -> Local:
    """Return a connection with the inputs of two, one after the other.

    Parameters
    ----------
    one
        A layer's connection with what lies on one side.
    more
        The same layer's connection with what lies on the other, or a number of inputs that all
        units see.
    """
    device = one.window.device
    if isinstance(more, int):
        seen = torch.arange(more, device=device).expand(len(one.window), -1)
        more = Local(more, one.units, seen, torch.ones(1, 1, more, device=device), one.output)
    inputs = one.inputs + more.inputs
    window = torch.cat(
        (torch.where(one.window < one.inputs, one.window, inputs), more.window + one.inputs), dim=1
    )
    tiles, units = len(window), one.units // len(one.window)
    masks = [its.mask.expand(tiles, units, -1) for its in (one, more)]
    return Local(inputs, one.units, window, torch.cat(masks, dim=2), one.output)


def _normal(shape: Sequence[int], generator: torch.Generator, like: Tensor) -> Tensor:
    size = tuple(shape)
    return torch.randn(size, generator=generator, dtype=like.dtype, device=like.device)
