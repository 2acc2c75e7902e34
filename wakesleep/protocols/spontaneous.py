"""What a phase of spontaneous activity does: spikes without any case, and Hebbian changes.

Sleep replay consolidation (Tadros, Krishnan, Ramyaa & Bazhenov 2022, Nature Communications 13,
7742, Methods, "Sleep replay consolidation"): rectified units become units with a threshold, inputs
fire at random as often as the mean image is bright, and weights change where a unit fires. Biases
play no part asleep, and do not change.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from wakesleep.files import specs
from wakesleep.files.specs import Fraction, Positive

Thresholds = Annotated[tuple[Positive, ...], Field(strict=False, min_length=1)]


class Spontaneous(specs.Spec):
    """How units fire, and how weights change."""

    gain: Annotated[float, Field(ge=0)] = Field(
        0.02, description="Added to a weight, times its logistic function, when both units fire."
    )
    loss: Annotated[float, Field(ge=0)] = Field(
        0.02,
        description="Taken away in the same way when only the unit that the weight drives fires.",
    )
    threshold: Positive | Thresholds = Field(
        1.0,
        description=(
            "Potential at which units fire, of all layers or of each; 1 is what the mean image "
            "gives the most strongly driven unit of a layer in one step at full rate."
        ),
    )
    leak: Fraction = Field(0.0, description="Part of the potential that is lost in every step.")
    rate: Annotated[float, Field(gt=0, le=1)] = Field(
        0.5, description="Probability that the brightest input fires in a step."
    )
