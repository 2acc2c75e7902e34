"""The parameters of a ``recurrent`` model file, checked without importing torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from wakesleep.files.specs import Fraction
from wakesleep.learners.forward_forward.common import Common
from wakesleep.learners.parts.receptive_fields import LocalLayer

Iterations = Annotated[int, Field(ge=1)]


class Parameters(Common):
    """What a ``recurrent`` model file may set.

    Hinton 2022 (arXiv 2212.13345), sections 3.4 and 4.
    """

    iterations: Iterations = Field(8, description="Steps in time that a case is shown for.")
    damping: Fraction = Field(
        0.3, description="Weight of a layer's last state in its new one, before normalisation."
    )
    centre: bool = Field(
        False,
        description=(
            "Whether each image's own mean (over pixels and colours) is subtracted first: for "
            "photographs, because differences in brightness would hide their content."
        ),
    )
    schedule: Literal["synchronous", "alternating"] = Field(
        "synchronous",
        description=(
            "Whether all layers change at once, or even ones after odd ones within a step in time."
        ),
    )
    judged: Annotated[tuple[Iterations, ...], Field(strict=False)] = Field(
        (3, 5), description="First and last step in time whose goodness chooses the label."
    )
    drift: Annotated[int, Field(ge=0)] = Field(
        0,
        description=(
            "Largest movement of the image per step in time, in pixels in each direction, so that "
            "the input is a video; 0 for a still image."
        ),
    )

    @model_validator(mode="after")
    def _times_and_maps_fit(self) -> Parameters:
        if len(self.judged) != 2:
            raise ValueError("judged: two numbers, the first and the last step, such as [3, 5]")
        first, last = self.judged
        if first > last:
            raise ValueError(f"judged: the first step, {first}, comes after the last, {last}")
        if last > self.iterations:
            raise ValueError(
                f"judged: steps {first} to {last} are not within 1 to {self.iterations}"
            )
        for number, its in enumerate(self.layers, 1):
            if isinstance(its, LocalLayer) and (its.edges != "cut" or its.stride != 1):
                raise ValueError(
                    f"layers: layer {number} of a recurrent net sees fields above and below, which "
                    "needs maps of the same size: edges: cut and stride: 1"
                )
        if isinstance(self.layers[0], LocalLayer) and not isinstance(self.layers[-1], LocalLayer):
            raise ValueError("layers: either all layers of a recurrent net are local, or none")
        return self

    @property
    def lacks(self) -> tuple[str, ...]:
        """Capabilities of the kind that a network with these parameters does not have."""
        return () if self.readout_rate else ("label_probabilities",)
