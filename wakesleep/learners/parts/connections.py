"""Which units of a layer see which inputs: all of them, or those of a receptive field.

Local layers have no weight sharing. Their units are grouped in tiles of neighbouring places, which
see one window: the windows are gathered, then tiles are multiplied as a batch. Inputs in a window
that are outside a unit's own field have weight 0. Tiles of one place would waste no products, but
products with only a few channels are too small to be fast.

A connection is independent of the learning rule. It gives a layer's total input, and its weights'
gradient, which is the product of the layer's deltas and inputs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from wakesleep.errors import InputError
from wakesleep.files.specs import MOST_UNITS
from wakesleep.learners.parts.receptive_fields import LocalLayer

MOST_WEIGHTS = 250_000_000  # of one layer: a gigabyte, and as much for their velocities
TILE_UNITS = 32  # fewer units than this and a tile's product is slow
MOST_WASTE = 1.5  # most that a tile's window is longer than a field, in each direction
GROUP_TILES = 8  # so that what they see, for a hundred cases, stays in a processor's cache

# A sum over cases yet to be done: of into, beta, alpha it makes into <- beta into + alpha gradient.
Gradient = Callable[[Tensor, float, float], object]


@dataclass(frozen=True)
class Product:
    """A gradient left' right, for deltas (n, units) and inputs (n, inputs)."""

    left: Tensor
    right: Tensor

    def __call__(self, into: Tensor, beta: float, alpha: float) -> Tensor:
        """Return into <- beta into + alpha left' right, in place."""
        return into.addmm_(self.left.T, self.right, beta=beta, alpha=alpha)

    def blocks(self, units: int) -> Iterator[tuple[slice, Product]]:
        """Yield the gradient in parts of ``units`` units each, with the units of each part."""
        for first in range(0, self.left.shape[1], units):
            some = slice(first, first + units)
            yield some, Product(self.left[:, some], self.right)


@dataclass(frozen=True)
class Dense:
    """All units see all inputs; weights are (units, inputs)."""

    inputs: int
    units: int

    def start(self, generator: torch.Generator, like: Tensor) -> Tensor:
        """Return weights of variance 1/fan-in, of the kind of ``like``."""
        shape = (self.units, self.inputs)
        if self.units * self.inputs > MOST_WEIGHTS:
            raise InputError(
                f"a layer of {self.units:,} units with {self.inputs:,} inputs has "
                f"{self.units * self.inputs:,} weights; at most {MOST_WEIGHTS:,}"
            )
        return _normal(shape, generator, like) / math.sqrt(self.inputs)

    def drive(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """Return total inputs (n, units) for inputs (n, inputs)."""
        return x @ weight.T if bias is None else torch.addmm(bias, x, weight.T)

    def gradient(self, left: Tensor, right: Tensor) -> Gradient:
        """Return the weights' gradient, left' right, for deltas (n, units), inputs (n, inputs)."""
        return Product(left, right)

    def confine(self, weight: Tensor) -> None:
        """Do nothing: every weight may be any number."""

    def as_dense(self, weight: Tensor) -> Tensor:
        """Return the weights as they are."""
        return weight


Tile = tuple[Tensor, Tensor]  # inputs in its window (window,), which of them a unit sees, 0 or 1


@dataclass(frozen=True)
class Group:
    """Tiles with windows of one length: one batched product.

    Attributes
    ----------
    window
        Inputs that each tile sees (tiles, window).
    mask
        Which of them each unit sees (tiles, units of a tile, window), 0 or 1.
    """

    window: Tensor
    mask: Tensor


@dataclass(frozen=True)
class Local:
    """Every unit sees a field of a map; weights are those of all groups, end to end.

    Attributes
    ----------
    inputs, units
        Numbers of them.
    groups
        Tiles, in the order of their units.
    output
        Number of each unit by place (rows, columns, channels).
    """

    inputs: int
    units: int
    groups: tuple[Group, ...]
    output: Tensor

    def start(self, generator: torch.Generator, like: Tensor) -> Tensor:
        """Return weights of variance 1/fan-in, of the kind of ``like``."""
        weight = _normal((sum(its.mask.numel() for its in self.groups),), generator, like)
        for group, its in self.by_group(weight):
            mask = group.mask.to(weight.dtype)
            its.mul_(mask / mask.sum(2, keepdim=True).sqrt())
        return weight

    def by_group(self, weight: Tensor) -> Iterator[tuple[Group, Tensor]]:
        """Yield each group with its part of the weights, shaped as its mask; a view."""
        parts = weight.split([its.mask.numel() for its in self.groups])
        for group, part in zip(self.groups, parts, strict=True):
            yield group, part.view(group.mask.shape)

    def drive(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """Return total inputs (n, units) for inputs (n, inputs)."""
        columns = x.T.contiguous()
        parts = [
            torch.bmm(its, _windows(columns, group)).flatten(0, 1)
            for group, its in self.by_group(weight)
        ]
        z = torch.cat(parts).T
        return z.contiguous() if bias is None else z + bias

    def gradient(self, left: Tensor, right: Tensor) -> Gradient:
        """Return the weights' gradient as :meth:`Dense.gradient` does; also outside of fields."""
        rows, columns = left.T.contiguous(), right.T.contiguous()
        parts = rows.split([its.mask.shape[:2].numel() for its in self.groups])

        def add(into: Tensor, beta: float, alpha: float) -> None:
            for (group, its), part in zip(self.by_group(into), parts, strict=True):
                some = part.view(*its.shape[:2], -1)
                its.baddbmm_(some, _windows(columns, group).mT, beta=beta, alpha=alpha)

        return add

    def confine(self, weight: Tensor) -> None:
        """Set weights outside of fields to zero, in place."""
        for group, its in self.by_group(weight):
            its.mul_(group.mask)

    def as_dense(self, weight: Tensor) -> Tensor:
        """Return the same weights as a matrix (units, inputs) with zeros."""
        parts = []
        for group, its in self.by_group(weight):
            whole = weight.new_zeros(*its.shape[:2], self.inputs)
            whole.scatter_(2, group.window.unsqueeze(1).expand_as(its), its * group.mask)
            parts.append(whole.flatten(0, 1))
        return torch.cat(parts)


def _windows(columns: Tensor, group: Group) -> Tensor:
    """Return what each tile sees (tiles, window, n) of columns (inputs, n)."""
    # Whole rows of cases are copied: that is far quicker than one number after another.
    return columns.index_select(0, group.window.flatten()).view(*group.window.shape, -1)


def _grouped(tiles: Sequence[Tile]) -> tuple[Group, ...]:
    """Return tiles in groups, in their order, which is also that of the weights.

    On a processor a few tiles at a time are quicker, on a GPU as many as can be.
    """
    most = GROUP_TILES if tiles[0][0].device.type == "cpu" else len(tiles)
    found = []
    for _, run in itertools.groupby(tiles, key=lambda its: len(its[0])):
        same = list(run)
        for some in (same[k : k + most] for k in range(0, len(same), most)):
            found.append(Group(*(torch.stack(its) for its in zip(*some, strict=True))))
    return tuple(found)


def _tiles(wires: Local) -> Iterator[Tile]:
    for group in wires.groups:
        yield from zip(group.window, group.mask, strict=True)


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
    inputs = below.numel()  # also what stands for nothing, beyond the edges of the map
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
    seen = torch.zeros(tile, tile, its.channels, reach, reach, below.shape[2])
    for row in range(tile):
        for column in range(tile):
            top, left = row * its.stride, column * its.stride
            seen[row, column, :, top : top + its.field, left : left + its.field] = 1
    mask = seen.view(tile * tile * its.channels, -1).to(device)
    # What lies beyond the map's edges is left out. Tiles that then see equally many inputs come one
    # after the other, so that they can share products.
    order = torch.stack([(window < inputs).sum() for window in tiles]).argsort(stable=True)
    windows = [tiles[number].to(device) for number in order]
    groups = _grouped([(its[its < inputs], mask[:, its < inputs]) for its in windows])
    of_tile = torch.arange(tile * tile * its.channels).view(tile, tile, its.channels)
    first = of_tile.numel() * order.argsort().view(sides[0] // tile, sides[1] // tile)
    numbers = first[:, :, None, None, None] + of_tile
    output = numbers.permute(0, 2, 1, 3, 4).reshape(*sides, its.channels)
    return Local(inputs, output.numel(), groups, output)


def joined(one: Local, more: Local | int) -> Local:
    """Return a connection with the inputs of two, one after the other.

    Parameters
    ----------
    one
        A layer's connection with what lies on one side.
    more
        The same layer's connection with what lies on the other, a map of the same size; or a number
        of inputs that all units see.
    """
    ones = list(_tiles(one))
    if isinstance(more, int):
        others = [
            (torch.arange(more).to(window), mask.new_ones(len(mask), more)) for window, mask in ones
        ]
        inputs = one.inputs + more
    else:
        assert torch.equal(one.output, more.output), "units must lie in the same tiles"
        others, inputs = list(_tiles(more)), one.inputs + more.inputs
    tiles = [
        (torch.cat((window, above + one.inputs)), torch.cat((mask, its_mask), dim=1))
        for (window, mask), (above, its_mask) in zip(ones, others, strict=True)
    ]
    return Local(inputs, one.units, _grouped(tiles), one.output)


def _normal(shape: Sequence[int], generator: torch.Generator, like: Tensor) -> Tensor:
    size = tuple(shape)
    return torch.randn(size, generator=generator, dtype=like.dtype, device=like.device)
