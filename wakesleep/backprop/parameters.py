"""The parameters of a ``backprop`` model file, checked without importing torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from wakesleep import specs
from wakesleep.specs import Fraction, Positive, Widths


class Parameters(specs.Spec):
    """What a ``backprop`` model file may set."""

    layers: Widths = Field(description="Units in each hidden layer, from the input upwards.")
    rate: Positive = Field(1e-3, description="Adam's step size.")
    beta1: Fraction = Field(0.9, description="Adam's decay of the mean gradient.")
    beta2: Fraction = Field(0.999, description="Adam's decay of the squared gradient.")
    decay: Annotated[float, Field(ge=0)] = Field(0.0, description="Weight decay (as in AdamW).")
