"""The parameters of a ``backprop`` model file, checked without importing torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from wakesleep.files import specs
from wakesleep.files.specs import Fraction, Positive
from wakesleep.learners.parts.hardware_parameters import Hardware, check_hardware, has_pulses
from wakesleep.learners.parts.receptive_fields import Layers, LocalLayer, order_problem


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
    ewc: Annotated[float, Field(ge=0)] | None = Field(
        None,
        description=(
            "Strength of elastic weight consolidation, with phases 'consolidate' "
            "(Kirkpatrick et al. 2017); typically thousands, because importances are small."
        ),
    )
    top_down: bool | None = Field(
        None, description="Learn, awake, a linear map from each layer down, so that it can dream."
    )
    top_down_rate: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None,
        description="Fraction of a case's error that one step removes; default .05 (top_down).",
    )
    dreams_vary: Literal["by_unit", "jointly"] | None = Field(
        None,
        description=(
            "How the units of the top layer vary at the start of a dream: independently (default) "
            "or jointly (top_down only)."
        ),
    )

    dream_copy: bool | None = Field(
        None,
        description=(
            "Keep a copy of the dream path at every phase 'consolidate'; dreams of the classes "
            "known by then come from the copy (generative replay, Shin et al. 2017; top_down only)."
        ),
    )

    hardware: Hardware | None = Field(
        None,
        description="Imprecise analog devices below the hidden layers; the softmax is digital.",
    )
    backward: Literal["assumed", "true", "simulated", "perturbed"] | None = Field(
        None,
        description=(
            "With 'hardware', how errors are backpropagated: through the intended weights and "
            "ideal units (assumed, the default), or through the actual devices (true); both use "
            "activities measured on the devices. With 'simulated', activities too are computed "
            "from the intended weights, and nothing is measured while the network learns. With "
            "'perturbed' there is no backpropagation: all weights are changed at random, and the "
            "effect on the loss estimates the gradient (also without 'hardware')."
        ),
    )
    perturbations: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        None,
        description="Random directions tried in each step; default 16 (backward: perturbed).",
    )

    @field_validator("backward", mode="before")
    @classmethod
    def _in_words(cls, backward: object) -> object:
        return "true" if backward is True else backward  # YAML reads a bare true as a boolean

    @model_validator(mode="after")
    def _layers_fit(self) -> Parameters:
        problem = order_problem(self.layers)
        if problem:
            raise ValueError(f"layers: {problem}")
        check_hardware(self.hardware, self.layers, self.decay)
        if self.backward in ("assumed", "true", "simulated") and not self.hardware:
            raise ValueError(f"backward: '{self.backward}' needs devices; set hardware too")
        if self.perturbations and self.backward != "perturbed":
            raise ValueError("perturbations: they are for 'backward: perturbed'")
        if self.backward == "perturbed" and (self.dropout or self.input_dropout or self.ewc):
            raise ValueError("backward: 'perturbed' goes with neither dropout nor ewc")
        if self.backward == "simulated" and self.top_down:
            raise ValueError(
                "backward: 'simulated' measures no activities, and top_down needs them; set one"
            )
        if self.hardware and (self.dropout or self.input_dropout or self.ewc is not None):
            raise ValueError("hardware: it goes with neither dropout nor ewc")
        for name in ("top_down_rate", "dreams_vary", "dream_copy"):
            if getattr(self, name) is not None and not self.top_down:
                raise ValueError(f"{name}: it is for a network that dreams (top_down: true)")
        if self.top_down and any(isinstance(its, LocalLayer) for its in self.layers):
            raise ValueError("top_down: it needs dense layers, and some have receptive fields")
        return self

    @property
    def lacks(self) -> tuple[str, ...]:
        """Capabilities of the kind that a network with these parameters does not have."""
        lacks = [] if self.top_down else ["dream"]
        if any(isinstance(its, LocalLayer) for its in self.layers):
            lacks.append("unit_activity")  # its weights are not one row for each unit
        lacks += [] if has_pulses(self.hardware) else ["pulses"]
        consolidates = self.ewc is not None or self.dream_copy
        return (*lacks, *([] if consolidates else ["consolidate"]))
