"""Figures that a study file can define."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from wakesleep.files import specs
from wakesleep.protocols.kinds import PhaseName
from wakesleep.results.schema import QUANTITIES

FIGURES = ("heatmap", "lines", "cycles")
Scalar = bool | int | float | str


class Figure(specs.Spec):
    """A figure: outcomes over the grid, or a quantity over the cycles of the runs."""

    figure: Annotated[str, specs.NameOrCode("figure", FIGURES, "figures")] = Field(
        description="heatmap, lines, cycles, or your own, ./file.py:name."
    )
    name: specs.Name = Field(description="Name of the file.")
    outcome: str = Field("", description="For heatmap and lines: which outcome.")
    quantity: Annotated[str, specs.NameOrCode("quantity", ("", *QUANTITIES), "quantities")] = Field(
        "", description="For cycles: which quantity."
    )
    at: PhaseName | Literal["any"] = Field("any", description="For cycles: the end of this phase.")
    block: str | None = Field(
        None,
        description=(
            "For cycles: part of the protocol; default all parts, with cycles counted across them."
        ),
    )
    x: str = Field("cycle", description="Dimension along the x axis.")
    y: str | None = Field(None, description="For heatmap: dimension along the y axis.")
    hue: str | None = Field(None, description="Dimension shown by colour.")
    columns: str | None = Field(None, description="Dimension shown by panels side by side.")
    rows: str | None = Field(None, description="Dimension shown by panels one above the other.")
    select: dict[str, Scalar] = Field({}, description="Values of the dimensions not shown.")
    label: str = Field("", description="For cycles: label of the axis.")
    scale: float = Field(1.0, description="For cycles: factor, 100 for per cent.")
    log: Annotated[tuple[Literal["x", "y"], ...], Field(strict=False)] = Field(
        (), description="Axes with a logarithmic scale: x, y."
    )
    title: str = ""
    arguments: dict[str, Any] = Field({}, description="Options of a figure of your own.")

    @model_validator(mode="after")
    def _complete(self) -> Figure:
        if self.figure not in FIGURES:
            return self
        if self.arguments:
            raise ValueError("'arguments' are for a figure of your own, ./file.py:name")
        if self.block is not None and self.figure != "cycles":
            raise ValueError("'block' is for 'figure: cycles'")
        if self.figure == "heatmap" and self.y is None:
            raise ValueError("a heatmap needs 'y'")
        if (self.figure == "cycles") != bool(self.quantity) or (self.figure == "cycles") == bool(
            self.outcome
        ):
            raise ValueError("'figure: cycles' needs 'quantity', the others need 'outcome'")
        return self
