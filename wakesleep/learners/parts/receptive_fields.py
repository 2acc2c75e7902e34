"""Local layers as model files describe them, and where their fields lie; imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from wakesleep.errors import InputError
from wakesleep.files import specs

Side = Annotated[int, Field(gt=0, le=1000)]


class LocalLayer(specs.Spec):
    """A layer whose units see a part of the map below; no weights are shared.

    Hinton 2022 (arXiv 2212.13345), section 3.2 with footnote 8, and section 4.
    """

    field: Side = Field(description="Side of a square receptive field, in places of the map below.")
    stride: Side = Field(1, description="Places from one field to the next, in both directions.")
    channels: specs.Width = Field(description="Units at each place of this layer's map.")
    edges: Literal["inside", "cut"] = Field(
        "inside",
        description=(
            "Whether fields lie completely inside the map below, or are centred on every stride-th "
            "place of it and cut off at its edges."
        ),
    )

    def starts(self, side: int, layer: str) -> list[int]:
        """Return where fields begin along a side of the map below; negative where they are cut.

        Parameters
        ----------
        side
            Length of that side, in places.
        layer
            Name of the layer, for errors.

        Raises
        ------
        InputError
            If a field is larger than the map, or the stride leaves only one of several places.
        """
        if self.field > side:
            raise InputError(
                f"layer {layer}: a field of {self.field} places does not fit into a map of {side}"
            )
        first, last = 0, side - self.field
        if self.edges == "cut":
            first, last = -(self.field // 2), side - 1 - self.field // 2
        if last > first and self.stride > last - first:
            raise InputError(
                f"layer {layer}: a stride of {self.stride} leaves no second place on a map of "
                f"{side} with fields of {self.field}; it can be {last - first} at most"
            )
        return list(range(first, last + 1, self.stride))


def _which(layer: object) -> str:
    return "<LocalLayer>" if isinstance(layer, Mapping | LocalLayer) else "<Units>"


Layer = Annotated[
    Annotated[specs.Width, Tag("<Units>")] | Annotated[LocalLayer, Tag("<LocalLayer>")],
    Discriminator(_which),
]
Layers = Annotated[tuple[Layer, ...], Field(min_length=1, strict=False)]


def order_problem(layers: tuple[int | LocalLayer, ...]) -> str | None:
    """Return what is wrong with the order of layers, or None: a dense layer has no map."""
    dense = False
    for number, its in enumerate(layers, 1):
        if isinstance(its, LocalLayer) and dense:
            return f"layer {number} has receptive fields, but the layer below it has no map"
        dense = dense or not isinstance(its, LocalLayer)
    return None
