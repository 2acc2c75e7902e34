"""The parameters of a ``forward_forward`` model file, checked without importing torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from wakesleep import specs
from wakesleep.specs import Fraction, Positive, Widths


class Parameters(specs.Spec):
    """What a ``forward_forward`` model file may set; the defaults are the author's program.

    Rates, peer strength and decay are in that program's convention, which leaves out the factor 2
    of eq. 3 (see :func:`wakesleep.forward_forward.layer.delta`).
    """

    layers: Widths = Field(description="Units in each hidden layer, from the input upwards.")
    label: Literal["first_pixels", "extra_units"] = Field(
        "first_pixels", description="Whether the label overwrites pixels or has inputs of its own."
    )
    label_strength: Positive = Field(1.0, description="Value of the input that names the label.")
    neutral: Annotated[float, Field(ge=0)] = Field(
        0.1, description="Value of every label input in the neutral pass."
    )
    activation: Literal["relu", "leaky_relu"] = Field("relu", description="Activation function.")
    goodness: Literal["sum_of_squares", "mean_of_squares", "minus_sum_of_squares"] = Field(
        "sum_of_squares", description="What each layer raises awake and lowers asleep."
    )
    normalisation: Literal["rms", "length", "none"] = Field(
        "rms", description="Length that a layer's activity has for the next layer."
    )
    threshold: Annotated[float, Field(ge=0)] = Field(
        1.0, description="Threshold per unit: theta is this times the width for a sum of squares."
    )
    temperature: Positive = Field(1.0, description="T of eq. 1.")
    plasticity: Literal["momentum", "adam"] = Field(
        "momentum", description="How a local gradient becomes a change of weights."
    )
    rate: Positive = Field(0.01, description="Learning rate.")
    momentum: Fraction = Field(
        0.9, description="Weight of the past in the running mean of gradients (momentum only)."
    )
    beta1: Fraction = Field(0.9, description="Adam's decay of the mean gradient (adam only).")
    beta2: Fraction = Field(0.999, description="Adam's decay of the squared gradient (adam only).")
    epsilon: Positive = Field(1e-8, description="Adam's smallest divisor (adam only).")
    decay: Annotated[float, Field(ge=0)] = Field(0.001, description="Weight decay.")
    peer: Annotated[float, Field(ge=0)] = Field(
        0.03, description="Strength of peer normalisation (footnote 9); 0 switches it off."
    )
    peer_momentum: Fraction = Field(0.9, description="Weight of the past in each unit's mean.")
    peer_start: Annotated[float, Field(ge=0)] = Field(0.5, description="Each unit's first mean.")
    fixed: bool = Field(
        False, description="Leave hidden layers at their random start; only the read-out learns."
    )
    baseline_memory: Fraction = Field(
        0.9, description="Weight of the past in the stored baseline of negative updates."
    )
    top_down: bool = Field(
        False, description="Learn a linear map from each layer to the one below, awake: can dream."
    )
    top_down_rate: Annotated[float, Field(gt=0, le=1)] = Field(
        0.05, description="Fraction of a case's error that one step takes away (top_down only)."
    )
    readout_from: Annotated[int, Field(ge=1)] | None = Field(
        None, description="First layer that votes in both read-outs; default 2, or 1 if alone."
    )
    readout_rate: Positive = Field(0.1, description="Learning rate of the softmax.")
    readout_momentum: Fraction = Field(0.9, description="Momentum of the softmax.")
    readout_decay: Annotated[float, Field(ge=0)] = Field(
        0.003, description="Weight decay of the softmax."
    )

    @model_validator(mode="after")
    def _readout_layer_exists(self) -> Parameters:
        if self.readout_from is not None and self.readout_from > len(self.layers):
            raise ValueError(
                f"readout_from is {self.readout_from}, but there are {len(self.layers)} layers"
            )
        return self

    @property
    def lacks(self) -> tuple[str, ...]:
        """Capabilities of the kind that a network with these parameters does not have."""
        return () if self.top_down else ("dream",)

    @property
    def first_voter(self) -> int:
        """Index (from 0) of the first layer that votes in both read-outs."""
        return (self.readout_from or min(2, len(self.layers))) - 1
