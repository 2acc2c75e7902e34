"""The content of a study file: a grid of models, protocols, inputs, seeds; outcomes; figures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from wakesleep.errors import choices, listed
from wakesleep.files import references, specs
from wakesleep.files.inputs import Words
from wakesleep.plots.wanted import Figure, Scalar
from wakesleep.protocols.kinds import PhaseName
from wakesleep.results.schema import QUANTITIES

FINAL = ("validation_error", "test_error", "wall_seconds")
OutcomeQuantity = Annotated[str, specs.NameOrCode("quantity", (*QUANTITIES, *FINAL), "quantities")]
# The keys of an outcome that each statistic uses.
HEEDED: dict[str, tuple[str, ...]] = {
    "value": ("at", "block", "cycle"),
    "nights_to": ("block",),
    "half_recovery": (),
    "overshoot": (),
    "mean_duration": ("at", "block"),
}
MOST_RUNS = 100_000
Values = dict[str, Annotated[tuple[Scalar, ...], Field(min_length=1, strict=False)]]


class Arm(specs.Spec):
    """A model or a protocol with some of its values set, under a name of its own."""

    name: specs.Name
    use: str = Field(description="Name of a shipped file, or a path from the study's folder.")
    set: dict[str, Any] = Field({}, description="Parameters of the model, inputs of the protocol.")
    inputs: dict[str, Scalar] = Field(
        {}, description="For a model: inputs of the protocol in the runs of this model."
    )


def _which(arm: object) -> str:
    return "<Arm>" if isinstance(arm, Mapping | Arm) else "<Name>"


Arms = Annotated[
    tuple[
        Annotated[
            Annotated[str, Tag("<Name>")] | Annotated[Arm, Tag("<Arm>")], Discriminator(_which)
        ],
        ...,
    ],
    Field(strict=False, min_length=1),
]


class Outcome(specs.Spec):
    """One number (or one for each layer or read-out) that is computed from every run."""

    quantity: OutcomeQuantity = Field(description="A recorded quantity, or a final error.")
    statistic: Annotated[str, specs.NameOrCode("statistic", tuple(HEEDED), "statistics")] = Field(
        "value",
        description=(
            "The value at the end of a phase; the number of cycles until it stays below a "
            "criterion at every phase's end; updates asleep until half of deprivation's effect is "
            "undone; how far recovery goes beyond the baseline; the mean length of phases; or "
            "your own, ./file.py:name."
        ),
    )
    at: PhaseName | Literal["any"] = Field("any", description="The phase at whose end it is taken.")
    block: str | None = Field(None, description="The part of the protocol; default any.")
    cycle: int | None = Field(None, ge=0, description="The cycle (from 0); default the last.")
    cycles: dict[str, Annotated[int, Field(ge=0)]] | None = Field(
        None, description="Cycles of named repeats (from 0), such as {weeks: 1, weekday: 0}."
    )
    arguments: dict[str, Any] = Field({}, description="Options of a statistic of your own.")
    below: float | None = Field(None, description="The criterion of 'nights_to'.")
    layer: str | None = None
    readout: str | None = None
    sign: Literal["positive", "negative"] | None = None
    label: str = Field("", description="Label for axes.")
    scale: float = Field(1.0, description="Factor for tables and figures, 100 for per cent.")

    @model_validator(mode="after")
    def _complete(self) -> Outcome:
        if (self.statistic == "nights_to") != (self.below is not None):
            raise ValueError("'below' and 'statistic: nights_to' go together")
        if self.quantity in FINAL and self.statistic != "value":
            raise ValueError(f"'{self.quantity}' is one number; its statistic must be 'value'")
        heeded = HEEDED.get(self.statistic, ("at", "block", "cycle"))
        for name in {"at", "block", "cycle"} & self.model_fields_set:
            if name not in heeded:
                raise ValueError(f"'{name}' does not apply to 'statistic: {self.statistic}'")
        dims = QUANTITIES[self.quantity].dims if self.quantity in QUANTITIES else ("readout",)
        for name in {"layer", "readout", "sign"} & self.model_fields_set:
            own = self.quantity not in (*QUANTITIES, *FINAL)
            if name not in dims and not own:
                raise ValueError(f"'{self.quantity}' has no {name} to select")
        return self


class Published(specs.Spec):
    """A published number to compare with an outcome."""

    outcome: str
    at: dict[str, Scalar] = Field(description="The place in the grid.")
    value: float
    source: str = ""


class Study(specs.Spec):
    """What a study file holds."""

    study: specs.Name
    description: str = ""
    references: Words = ()
    models: Arms
    protocols: Arms
    set: dict[str, Scalar] = Field({}, description="Inputs and model.NAME parameters of all runs.")
    vary: Annotated[tuple[Values, ...], Field(strict=False)] = Field(
        (),
        description=(
            "The grid: every combination of these items is run. An item is a mapping of names to "
            "lists; the lists of one item are varied together, and its first name is the name "
            "of the dimension."
        ),
    )
    seeds: (
        Annotated[int, Field(ge=1, le=MOST_RUNS)]
        | Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(strict=False, min_length=1)]
    ) = Field(3, description="How many seeds, from 0; or a list of seeds.")
    keep: Literal["phase_ends", "all", "nothing"] = Field(
        "phase_ends", description="Which probes of every run go into the study's result."
    )
    networks: bool = Field(False, description="Keep the trained networks (checkpoints) as well.")
    outcomes: dict[specs.Name, Outcome] = Field(min_length=1)
    figures: Annotated[tuple[Figure, ...], Field(strict=False)] = ()
    published: Annotated[tuple[Published, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _grid_is_regular(self) -> Study:
        for item in self.vary:
            if not item:
                raise ValueError("an item of 'vary' names nothing")
            if len({len(values) for values in item.values()}) > 1:
                raise ValueError(
                    "the lists of one item of 'vary' must be equally long; "
                    + ", ".join(f"{name} has {len(values)}" for name, values in item.items())
                )
        names = [name for item in self.vary for name in item] + list(self.set)
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"{listed(sorted(twice))} is set or varied twice")
        dims = [name.removeprefix("model.") for item in self.vary for name in item]
        taken = [*dims, *self.outcomes, "model", "protocol", "seed", "layer", "readout", "sign"]
        twice = {name for name in taken if taken.count(name) > 1}
        if twice:
            raise ValueError(
                f"{listed(sorted(twice))} names two things in the result; rename an outcome, or "
                "vary one of two alike names"
            )
        for arm in self.protocols:
            if isinstance(arm, Arm) and arm.inputs:
                raise ValueError(f"protocol '{arm.name}': 'inputs' are for models; use 'set'")
        if isinstance(self.seeds, tuple) and len(set(self.seeds)) < len(self.seeds):
            raise ValueError("a seed occurs twice in 'seeds'")
        for item in self.vary:
            first = next(iter(item.values()))
            if len(set(first)) < len(first):
                raise ValueError(f"a value of '{next(iter(item))}' occurs twice")
        for arms in (self.models, self.protocols):
            labels = [arm_name(arm) for arm in arms]
            for label in labels:
                if not re.fullmatch(r"\S+", label):
                    raise ValueError(
                        f"'{label}' has spaces; give it a name: {{name: ..., use: ...}}"
                    )
            if len(set(labels)) < len(labels):
                raise ValueError(f"two of {listed(labels)} have the same name; give them names")
        named = [its.outcome for its in self.figures] + [its.outcome for its in self.published]
        for name in named:
            if name and name not in self.outcomes:
                raise ValueError(
                    f"there is no outcome '{name}'{choices(name, self.outcomes, 'there are')}"
                )
        for its in self.published:
            for name, value in its.at.items():
                if name not in self.dims:
                    raise ValueError(
                        f"published: there is no dimension '{name}'"
                        f"{choices(name, self.dims, 'there are')}"
                    )
                if value not in self.dims[name]:
                    raise ValueError(
                        f"published: '{name}' is never {value}; it is "
                        f"{listed(str(one) for one in self.dims[name])}"
                    )
        return self

    def check_dimensions(self, figure: Figure) -> None:
        """Refuse a figure that names an unknown dimension, or makes no choice for a dimension.

        Raises
        ------
        ValueError
            If the figure is refused; the message names the dimension.
        """
        if references.is_reference(figure.figure) or figure.figure in references.installed(
            "figures"
        ):
            return  # only the code itself knows what it shows
        quantity = figure.quantity or self.outcomes[figure.outcome].quantity
        inner = QUANTITIES[quantity].dims if quantity in QUANTITIES else ("readout",)
        known = [*self.dims, *inner, *(["cycle"] if figure.figure == "cycles" else [])]
        asked = (figure.x, figure.y, figure.hue, figure.columns, figure.rows, *figure.select)
        for name in asked:
            if name is not None and name not in known:
                raise ValueError(
                    f"figure '{figure.name}': there is no dimension '{name}'"
                    f"{choices(name, known, 'there are')}"
                )
        for name, value in figure.select.items():
            if name in self.dims and value not in self.dims[name]:
                raise ValueError(
                    f"figure '{figure.name}': '{name}' is never {value}; it is "
                    f"{listed(str(one) for one in self.dims[name])}"
                )
        for name, values in self.dims.items():
            if len(values) > 1 and name not in asked:
                raise ValueError(
                    f"figure '{figure.name}': '{name}' has {len(values)} values; show it as "
                    "x, y, hue, columns or rows, or choose one by 'select'"
                )

    @property
    def seed_list(self) -> list[int]:
        """All seeds."""
        return list(range(self.seeds)) if isinstance(self.seeds, int) else list(self.seeds)

    @property
    def dims(self) -> dict[str, list[Scalar]]:
        """The grid's dimensions and their values, without the seed."""
        return {
            "model": [arm_name(arm) for arm in self.models],
            "protocol": [arm_name(arm) for arm in self.protocols],
            **{dimension(item): list(next(iter(item.values()))) for item in self.vary},
        }


def arm_name(arm: str | Arm) -> str:
    """Return the name of a model or protocol in the study's result."""
    return arm.name if isinstance(arm, Arm) else Path(arm).stem


def dimension(item: Mapping[str, Any]) -> str:
    """Return the name of the dimension that an item of ``vary`` spans."""
    return next(iter(item)).removeprefix("model.")
