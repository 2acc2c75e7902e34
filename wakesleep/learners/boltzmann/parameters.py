"""The parameters of a ``boltzmann`` model file, checked without importing torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from wakesleep.files import specs
from wakesleep.files.specs import Fraction, Positive, Width

ENUMERABLE = 16  # hidden units of a restricted machine whose likelihood every probe can afford

Probability = Annotated[float, Field(ge=0, le=1)]
Sweeps = Annotated[int, Field(ge=1)]
Bit = Annotated[int, Field(ge=0, le=1)]


class Stage(specs.Spec):
    """A stage of an annealing schedule."""

    sweeps: Sweeps = Field(description="Times that every unit is updated.")
    temperature: Positive = Field(description="At this temperature, above 0.")


class Parameters(specs.Spec):
    """What a ``boltzmann`` model file may set.

    Rates are in the averaging form of momentum, as everywhere in this package.
    """

    connections: Literal["restricted", "full", "deep", "encoder", "mask"] = Field(
        "restricted",
        description=(
            "Which units are connected: visible with hidden units (restricted), all units (full), "
            "each layer with the next (deep), two halves of the visible units through the hidden "
            "units (encoder), or the pairs in 'mask' (mask)."
        ),
    )
    hidden: Annotated[tuple[Width, ...], Field(strict=False)] = Field(
        (), description="Hidden units; several numbers are the layers of a deep machine."
    )
    mask: (
        Annotated[tuple[Annotated[tuple[Bit, ...], Field(strict=False)], ...], Field(strict=False)]
        | None
    ) = Field(None, description="Rows of 0 and 1, symmetric: pixels, label units, hidden units.")
    label_units: bool = Field(True, description="Whether the label is among the visible units.")
    binarise: Literal["stochastic", "none"] = Field(
        "stochastic",
        description=(
            "Draw a new binary image from the grey levels at every presentation, or use the "
            "images unchanged (they must be binary)."
        ),
    )
    sampler: Literal["cd", "persistent", "tempering", "annealed", "exact"] = Field(
        "persistent",
        description=(
            "How the machine dreams: from the waking case (cd, contrastive divergence), with "
            "persistent chains, with chains at several temperatures (tempering), by annealing "
            "from random states (annealed), or by enumeration (exact)."
        ),
    )
    sweeps: Sweeps = Field(1, description="Gibbs sweeps for every update asleep.")
    settle: Sweeps = Field(
        10, description="Sweeps of connected hidden units awake, given the visible ones."
    )
    chains: Sweeps = Field(100, description="Number of chains (persistent and tempering).")
    temperatures: Annotated[tuple[Positive, ...], Field(strict=False, min_length=2)] = Field(
        (1.0, 1.2, 1.5, 2.0), description="Temperatures of parallel tempering; the first is 1."
    )
    schedule: Annotated[tuple[Stage, ...], Field(strict=False, min_length=1)] = Field(
        (
            Stage(sweeps=2, temperature=20.0),
            Stage(sweeps=2, temperature=15.0),
            Stage(sweeps=2, temperature=12.0),
            Stage(sweeps=4, temperature=10.0),
        ),
        description="Annealing schedule, awake and asleep (annealed only).",
    )
    collect: Sweeps = Field(
        10, description="Sweeps after annealing over which statistics are averaged (annealed only)."
    )
    noise: Annotated[tuple[Probability, Probability], Field(strict=False)] = Field(
        (0.0, 0.0),
        description="Probability of a wrong value for a clamped visible unit that is on, or off.",
    )
    clamped_asleep: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(strict=False)] = Field(
        (),
        description=(
            "Visible units, by number, that also stay clamped asleep: these are inputs, and the "
            "other units are learnt given them (cd and annealed only)."
        ),
    )
    temperature: Positive = Field(1.0, description="Temperature of the machine.")
    update: Literal["gradient", "sign"] = Field(
        "gradient", description="Step along the gradient, or of size rate along its signs."
    )
    rate: Positive = Field(0.05, description="Learning rate.")
    momentum: Fraction = Field(
        0.0, description="Weight of the past in the running mean of gradients."
    )
    decay: Annotated[float, Field(ge=0)] = Field(0.0, description="Weight decay.")
    enhanced_gradient: bool = Field(
        False, description="Learn with activities minus their running means (the centred gradient)."
    )
    baseline_memory: Fraction = Field(
        0.0, description="Weight of the past in the stored baseline of sleep."
    )
    start_scale: Annotated[float, Field(ge=0)] = Field(
        0.01, description="Standard deviation of the weights at the start."
    )
    layerwise: Annotated[int, Field(ge=0)] = Field(
        0, description="Updates of layer-wise training at the first waking (deep only)."
    )
    transposed: bool = Field(
        False,
        description=(
            "Start each layer of the stack from the transpose of the weights below (footnote 19 "
            "of Hinton 2022; deep only; each layer must be as wide as the one two layers below)."
        ),
    )
    linear_readout: bool = Field(
        True, description="Whether a separate softmax learns labels from the hidden units."
    )
    readout_rate: Positive = Field(0.1, description="Learning rate of the softmax.")
    readout_momentum: Fraction = Field(0.9, description="Momentum of the softmax.")
    readout_decay: Annotated[float, Field(ge=0)] = Field(
        0.003, description="Weight decay of the softmax."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Parameters:
        layers = len(self.hidden)
        if self.connections == "restricted" and layers != 1:
            raise ValueError(f"a restricted machine has one hidden layer; 'hidden' names {layers}")
        if self.connections == "deep" and layers < 2:
            raise ValueError(f"a deep machine has two hidden layers or more, not {layers}")
        if self.connections in ("full", "encoder", "mask") and layers > 1:
            raise ValueError(f"'connections: {self.connections}' takes one number of hidden units")
        if self.sampler == "annealed" and self.schedule[-1].temperature != self.temperature:
            raise ValueError(
                f"the schedule ends at a temperature of {self.schedule[-1].temperature:g}, and the "
                f"machine lives at {self.temperature:g}; 'temperature' must be where it ends"
            )
        if self.connections == "deep" and self.sampler == "exact":
            raise ValueError("'sampler: exact' is not for a deep machine; name its 'mask' instead")
        if self.connections == "encoder" and (not layers or self.label_units):
            raise ValueError("an encoder has hidden units, and no label units")
        if self.clamped_asleep and self.sampler not in ("cd", "annealed"):
            raise ValueError("'clamped_asleep' is for 'sampler: cd' and 'sampler: annealed'")
        if (self.mask is None) != (self.connections != "mask"):
            raise ValueError("'connections: mask' and the key 'mask' go together")
        if self.temperatures[0] != 1.0 or list(self.temperatures) != sorted(set(self.temperatures)):
            raise ValueError("'temperatures' must begin with 1 and rise")
        if self.connections != "deep" and (self.layerwise or self.transposed):
            raise ValueError("'layerwise' and 'transposed' are for 'connections: deep'")
        return self

    @property
    def lacks(self) -> tuple[str, ...]:
        """Capabilities of the kind that a machine with these parameters does not have."""
        lacks = []
        if not self.label_units and not (self.hidden and self.linear_readout):
            lacks += ["classify", "label_probabilities"]
        small = self.connections == "restricted" and self.hidden[0] <= ENUMERABLE
        if not small and self.sampler != "exact":
            lacks.append("likelihood")
        if not self.hidden or self.label_units:
            lacks.append("codes")
        return tuple(lacks)
