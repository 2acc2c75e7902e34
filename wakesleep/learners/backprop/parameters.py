"""The parameters of a ``backprop`` model file, checked without importing torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from wakesleep.files import specs
from wakesleep.files.specs import Fraction, Positive
from wakesleep.learners.parts.receptive_fields import Layers, order_problem


class Parameters(specs.Spec):
    """What a ``backprop`` model file may set."""

    layers: Layers = Field(
        description="Units of each hidden layer, or its receptive fields, from the input upwards."
    )
    centre: bool = Field(
        False,
        description="Whether each image's own mean (over pixels and colours) is subtracted first.",
    )
    rate: Positive = Field(1e-3, description="Adam's step size.")
    beta1: Fraction = Field(0.9, description="Adam's decay of the mean gradient.")
    beta2: Fraction = Field(0.999, description="Adam's decay of the squared gradient.")
    decay: Annotated[float, Field(ge=0)] = Field(0.0, description="Weight decay (as in AdamW).")
    dropout: Fraction = Field(0.0, description="Share of hidden units silenced at every step.")
    input_dropout: Fraction = Field(0.0, description="Share of inputs silenced at every step.")
    label_smoothing: Fraction = Field(
        0.0, description="Share of the target that is spread over all classes."
    )

    @model_validator(mode="after")
    def _layers_fit(self) -> Parameters:
        problem = order_problem(self.layers)
        if problem:
            raise ValueError(f"layers: {problem}")
        return self
