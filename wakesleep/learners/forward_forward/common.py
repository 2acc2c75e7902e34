"""The parameters of every Forward-Forward model file, checked without importing torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from wakesleep.files import specs
from wakesleep.files.specs import Fraction, Positive
from wakesleep.learners.parts.receptive_fields import Layers, order_problem

ACTIVATION_NAMES = ("relu", "leaky_relu", "minus_log_t")
GOODNESS_NAMES = (
    "sum_of_squares",
    "mean_of_squares",
    "minus_sum_of_squares",
    "minus_sum",
    "features_minus_violations",
)


def _which(choice: object) -> str:
    return "<OwnCode>" if isinstance(choice, Mapping | specs.OwnCode) else "<Name>"


# A name, a reference to code of the user's, or {use: REFERENCE, OPTION: VALUE, ...}.
ActivationChoice = Annotated[
    Annotated[str, specs.NameOrCode("activation", ACTIVATION_NAMES, "activations"), Tag("<Name>")]
    | Annotated[specs.OwnCode, Tag("<OwnCode>")],
    Discriminator(_which),
]
GoodnessChoice = Annotated[
    Annotated[str, specs.NameOrCode("goodness", GOODNESS_NAMES, "goodness"), Tag("<Name>")]
    | Annotated[specs.OwnCode, Tag("<OwnCode>")],
    Discriminator(_which),
]


class Common(specs.Spec):
    """What all Forward-Forward networks share; the defaults are the author's program.

    Rates, peer strength and decay are in that program's convention, which leaves out the factor 2
    of eq. 3 (see :func:`wakesleep.learners.forward_forward.layer.delta`).
    """

    layers: Layers = Field(
        description="Units of each hidden layer, or its receptive fields, from the input upwards."
    )
    label_strength: Positive = Field(1.0, description="Value of the input that names the label.")
    activation: ActivationChoice = Field("relu", description="Activation function.")
    goodness: GoodnessChoice = Field(
        "sum_of_squares", description="The quantity that each layer raises awake and lowers asleep."
    )
    blocks: Annotated[int, Field(ge=1)] | Literal["places"] = Field(
        1,
        description=(
            "Number of equal blocks of every layer, each with its own decision; 'places' for one "
            "block at every place of a local layer's map (a number ignores the places)."
        ),
    )
    normalisation: Literal["rms", "length", "mean", "none"] = Field(
        "rms",
        description=(
            "The divisor of a layer's activity for the next layer: its root mean square, its "
            "length, its mean (with 'minus_sum'), or nothing."
        ),
    )
    threshold: Annotated[float, Field(ge=0)] = Field(
        1.0,
        description=(
            "Threshold per unit: theta is this times the width for a sum of squares (and 0 for two "
            "populations of equal size)."
        ),
    )
    temperature: Positive = Field(1.0, description="T of eq. 1.")
    plasticity: Literal["momentum", "adam"] = Field(
        "momentum", description="The optimiser that turns local gradients into changes of weights."
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
    peer_momentum: Fraction = Field(0.9, description="Weight of the past in each unit's average.")
    peer_start: Annotated[float, Field(ge=0)] = Field(0.5, description="Start of this average.")
    skip_below: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        None,
        description=(
            "Cases are skipped unless their 1 - p(right) is above this; the default 0 skips only "
            "cases that would not change any weight."
        ),
    )
    readout_layers: (
        Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(strict=False)] | None
    ) = Field(
        None,
        description="Layers that vote in all read-outs; default all but the first, if several.",
    )
    readout_rate: Annotated[float, Field(ge=0)] = Field(
        0.1, description="Learning rate of the softmax; 0 for none."
    )
    readout_momentum: Fraction = Field(0.9, description="Momentum of the softmax.")
    readout_decay: Annotated[float, Field(ge=0)] = Field(
        0.003, description="Weight decay of the softmax."
    )

    @model_validator(mode="after")
    def _mean_is_positive(self) -> Common:
        if self.normalisation == "mean" and self.activation == "leaky_relu":
            raise ValueError("normalisation: a leaky activity may have the mean 0; use rms")
        return self

    @model_validator(mode="after")
    def _layers_fit(self) -> Common:
        problem = order_problem(self.layers)
        if problem:
            raise ValueError(f"layers: {problem}")
        if self.blocks == "places" and all(isinstance(its, int) for its in self.layers):
            raise ValueError("blocks: no layer has places; give a number, or receptive fields")
        chosen = self.readout_layers
        if chosen is None:
            return self
        if not chosen or len(set(chosen)) < len(chosen):
            raise ValueError("readout_layers: name each voting layer once, and at least one")
        missing = [its for its in chosen if its > len(self.layers)]
        if missing:
            raise ValueError(
                f"readout_layers: there is no layer {missing[0]}, only {len(self.layers)}"
            )
        return self

    @property
    def voting(self) -> list[int]:
        """Indices (from 0) of the layers that vote in all read-outs."""
        if self.readout_layers is not None:
            return [number - 1 for number in sorted(self.readout_layers)]
        return list(range(min(1, len(self.layers) - 1), len(self.layers)))
