"""The parameters of a ``helmholtz`` model file, checked without importing torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from wakesleep.files import specs
from wakesleep.files.specs import Width

ENUMERABLE = 12  # hidden units whose every state a probe can afford


class Parameters(specs.Spec):
    """What a ``helmholtz`` model file may set."""

    hidden: Annotated[tuple[Width, ...], Field(strict=False, min_length=1)] = Field(
        description="Units in each hidden layer, from the input upwards."
    )
    label_units: bool = Field(False, description="Whether the label is among the visible units.")
    binarise: Literal["stochastic", "none"] = Field(
        "stochastic",
        description="Draw a new binary image from the grey levels, or use the image unchanged.",
    )
    rate: Annotated[float, Field(gt=0)] = Field(0.05, description="Learning rate of both paths.")
    momentum: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Weight of the past in the running mean of gradients."
    )
    start_scale: Annotated[float, Field(ge=0)] = Field(
        0.1, description="Standard deviation of the weights at the start."
    )

    @property
    def lacks(self) -> tuple[str, ...]:
        """Capabilities of the kind that a machine with these parameters does not have."""
        lacks = [] if self.label_units else ["classify", "label_probabilities"]
        if sum(self.hidden) > ENUMERABLE:
            lacks.append("likelihood")
        return tuple(lacks)
