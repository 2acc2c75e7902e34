"""Phases of spontaneous activity: spikes without input cases, and Hebbian changes of weights.

Sleep replay consolidation (Tadros, Krishnan, Ramyaa & Bazhenov 2022, Nature Communications 13,
7742, Methods, "Sleep replay consolidation"): rectified units become units with a threshold, inputs
fire at random with rates in proportion to the mean image, and the weights of a unit change when it
fires. Biases are not used asleep, and do not change.
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
        0.02, description="Increase of a weight when both units fire, in units of logistic(weight)."
    )
    loss: Annotated[float, Field(ge=0)] = Field(
        0.02,
        description="Its decrease when only the postsynaptic unit fires, in the same units.",
    )
    threshold: Positive | Thresholds = Field(
        1.0,
        description=(
            "Potential at which units fire, one for all layers or one per layer; 1 is the "
            "potential that the mean image gives the most strongly driven unit of a layer in one "
            "step at full rate."
        ),
    )
    leak: Fraction = Field(0.0, description="Fraction of the potential that is lost in every step.")
    rate: Annotated[float, Field(gt=0, le=1)] = Field(
        0.5, description="Probability that the brightest input fires in a step."
    )
