"""The parameters of an ``online`` model file, checked without importing torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from wakesleep.learners.forward_forward import parameters
from wakesleep.learners.parts.receptive_fields import LocalLayer

UNUSED = (
    "plasticity",
    "rate",
    "momentum",
    "beta1",
    "beta2",
    "epsilon",
    "decay",
    "peer",
    "peer_momentum",
    "peer_start",
)


class Parameters(parameters.Parameters):
    """What an ``online`` model file may set, beside what a ``forward_forward`` file may.

    Rates, momentum and peer normalisation are not used here: eq. 4 gives the size of a step.
    """

    certainty: Annotated[float, Field(gt=0.5, lt=1)] = Field(
        0.9, description="Probability of being right that every layer reaches on a case."
    )
    share: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0, description="Fraction of this change that a single case makes; 1 is one-shot learning."
    )

    @model_validator(mode="after")
    def _is_what_eq_4_is_for(self) -> Parameters:
        for name, value in (("activation", "relu"), ("goodness", "sum_of_squares"), ("blocks", 1)):
            if getattr(self, name) != value:
                raise ValueError(f"{name}: one-shot learning (eq. 4) is for {value} alone")
        for name in UNUSED:
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"{name}: one-shot learning has none; eq. 4 says how far to go")
        for name in ("hardware", "adaptation", "weight_fading"):
            if getattr(self, name) is not None:
                raise ValueError(f"{name}: one-shot learning does not go with it")
        if self.normalisation == "none":
            raise ValueError("normalisation: without any, one layer's step would change the next")
        for name, wrong in (("black_box", "learning"), ("top_down", True), ("fixed", True)):
            if getattr(self, name) == wrong:
                raise ValueError(f"{name}: one-shot learning does not go with {wrong}")
        if any(isinstance(its, LocalLayer) for its in self.layers):
            raise ValueError("layers: one-shot learning is for dense layers")
        return self
