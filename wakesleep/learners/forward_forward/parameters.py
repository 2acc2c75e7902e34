"""The parameters of a ``forward_forward`` model file, checked without importing torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from wakesleep.files.specs import Fraction, Positive
from wakesleep.learners.forward_forward.common import Common
from wakesleep.learners.parts.hardware_parameters import Hardware, check_hardware, has_pulses
from wakesleep.learners.parts.receptive_fields import LocalLayer


class Parameters(Common):
    """What a ``forward_forward`` model file may set."""

    label: Literal["first_pixels", "extra_units", "none"] = Field(
        "first_pixels",
        description="Whether the label overwrites pixels, has its own inputs, or is not shown.",
    )
    neutral: Annotated[float, Field(ge=0)] = Field(
        0.1, description="Value of every label input in the neutral pass."
    )
    fixed: bool = Field(
        False, description="Leave hidden layers at their random start; only the read-out learns."
    )
    baseline_memory: Fraction = Field(
        0.9, description="Weight of the past in the stored baseline of negative updates."
    )
    top_down: bool = Field(
        False, description="Learn, awake, a linear map from each layer down, so that it can dream."
    )
    top_down_rate: Annotated[float, Field(gt=0, le=1)] = Field(
        0.05, description="Fraction of a case's error that one step removes (top_down only)."
    )
    dreams_vary: Literal["by_unit", "jointly"] | None = Field(
        None,
        description=(
            "How the units of the top layer vary between dreams of a class: independently (the "
            "default), or jointly, with the covariance of their activities awake (top_down only)."
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
        description=(
            "Imprecise analog devices below the hidden layers (sections 8 and 9); the read-out and "
            "biases are digital."
        ),
    )
    adaptation: Positive | None = Field(
        None,
        description=(
            "Threshold adaptation: the rise of a unit's threshold in every update awake, as a "
            "fraction of its mean activity on real cases (needs adaptation_recovery)."
        ),
    )
    adaptation_recovery: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="Fraction of that rise that every update asleep removes."
    )
    weight_fading: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None,
        description=(
            "Fast and slow weights: fraction of the fast part that every update awake removes "
            "(needs consolidation)."
        ),
    )
    consolidation: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="Fraction of the fast part that every update asleep makes slow."
    )
    candidates: Annotated[int, Field(ge=2)] | None = Field(
        None,
        description=(
            "Number of labels (the most probable ones of the softmax) that a third read-out, "
            "'candidates', tries."
        ),
    )

    black_box: Literal["none", "quantised", "random", "stochastic", "learning"] = Field(
        "none",
        description=(
            "The function between layers (section 7): none; activities rounded to few levels; a "
            "random matrix and a hard threshold; counts of random spikes; or a map that learns "
            "slowly by activity perturbation."
        ),
    )
    box_rate: Positive = Field(1e-4, description="Learning rate of a black box that learns.")
    box_noise: Positive = Field(0.1, description="Standard deviation of its perturbations.")
    box_every: Annotated[int, Field(ge=1)] = Field(
        1, description="Steps of the layers for every step of such a box."
    )

    @model_validator(mode="after")
    def _label_is_there(self) -> Parameters:
        if self.label != "none" and isinstance(self.layers[0], LocalLayer):
            raise ValueError(
                "label: a first layer with receptive fields has no inputs for a label; use "
                "label: none (or kind recurrent, whose label is at the top)"
            )
        for name in ("top_down", "candidates"):
            if self.label == "none" and getattr(self, name):
                raise ValueError(f"{name}: it needs a label in the input, and label is none")
        if self.dream_copy and not self.top_down:
            raise ValueError("dream_copy: it is for a network that dreams (top_down: true)")
        check_hardware(self.hardware, self.layers, self.decay)
        if self.weight_fading and (self.hardware or self.adaptation):
            raise ValueError("weight_fading: it goes with neither hardware nor adaptation")
        pairs = (("adaptation", "adaptation_recovery"), ("weight_fading", "consolidation"))
        for one, other in (*pairs, *(pair[::-1] for pair in pairs)):
            if getattr(self, one) and not getattr(self, other):
                raise ValueError(f"{one}: it needs {other} too")
        if self.candidates and not self.readout_rate:
            raise ValueError("candidates: the softmax proposes them, and readout_rate is 0")
        return self

    @property
    def lacks(self) -> tuple[str, ...]:
        """Capabilities of the kind that a network with these parameters does not have."""
        lacks = [] if self.top_down else ["dream"]
        lacks += [] if self.dream_copy else ["consolidate"]
        lacks += [] if self.adaptation else ["adaptation"]
        lacks += [] if has_pulses(self.hardware) else ["pulses"]
        if any(isinstance(its, LocalLayer) for its in self.layers):
            lacks.append("unit_activity")  # its weights are not one row for each unit
        if not self.readout_rate:
            lacks += ["label_probabilities", *(["classify"] if self.label == "none" else [])]
        if self.label == "none":
            lacks.append("label_goodness")
        return tuple(lacks)
