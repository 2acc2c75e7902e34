"""The phases of a protocol: their kinds, lengths, conditions and repeats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from wakesleep import specs
from wakesleep.results import QUANTITIES

Count = Annotated[int, Field(ge=1, le=10**12)]
QuantityName = Annotated[str, specs.OneOf("quantity", tuple(QUANTITIES))]
PhaseName = Literal["interleaved", "wake", "sleep", "deprivation", "recovery", "rest"]


@dataclass(frozen=True)
class PhaseKind:
    """What happens in a phase of one name.

    Attributes
    ----------
    sign
        Sign of its updates: ``positive``, ``negative``, ``both``, or None for no update.
    needs
        The capability a model must have; None where any model will do.
    """

    sign: str | None
    needs: str | None


PHASES: dict[str, PhaseKind] = {
    "interleaved": PhaseKind("both", "interleaved"),
    "wake": PhaseKind("positive", "wake"),
    "sleep": PhaseKind("negative", "sleep"),
    "deprivation": PhaseKind("positive", "wake"),
    "recovery": PhaseKind("negative", "sleep"),
    "rest": PhaseKind(None, None),
}


class Condition(specs.Spec):
    """A bound on a recorded quantity, looked at whenever it is recorded."""

    quantity: QuantityName
    below: float | None = None
    above: float | None = None
    layer: str | None = Field(None, description="A layer's name; default the mean over layers.")
    sign: Literal["positive", "negative"] | None = None
    readout: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> Condition:
        if (self.below is None) == (self.above is None):
            raise ValueError("a condition needs either 'below' or 'above'")
        for selector in ("layer", "sign", "readout"):
            if (
                getattr(self, selector) is not None
                and selector not in QUANTITIES[self.quantity].dims
            ):
                raise ValueError(f"'{self.quantity}' has no {selector} to select")
        return self


class Phase(specs.Spec):
    """One phase of a timetable."""

    phase: PhaseName
    steps: Count | None = Field(None, description="Length in weight updates.")
    sweeps: Count | None = Field(None, description="Length in sweeps of the training data.")
    until: Condition | None = Field(None, description="Ends the phase as soon as it holds.")
    at_most: Count | None = Field(None, description="Longest length in updates, with 'until'.")
    cooling: Literal["second_half"] | None = Field(
        None,
        description=(
            "Lower the learning rate linearly to almost zero in the second half of the phase."
        ),
    )

    @model_validator(mode="after")
    def _one_length(self) -> Phase:
        if (self.until is None) != (self.at_most is None):
            raise ValueError("'until' and 'at_most' go together")
        given = [name for name in ("steps", "sweeps", "until") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                "a phase needs exactly one of steps, sweeps, or until with at_most"
                + (f"; it has {' and '.join(given)}" if given else "")
            )
        return self


class Repeat(specs.Spec):
    """Phases that are gone through several times."""

    repeat: Annotated[int, Field(ge=0)]
    block: specs.Name | None = Field(None, description="Name of these cycles in the results.")
    phases: Annotated[tuple[Item, ...], Field(strict=False, min_length=1)]


def _which(item: object) -> str:
    if isinstance(item, Mapping):
        return "<Repeat>" if "repeat" in item or "phases" in item else "<Phase>"
    return f"<{type(item).__name__}>"


Item = Annotated[
    Annotated[Phase, Tag("<Phase>")] | Annotated[Repeat, Tag("<Repeat>")], Discriminator(_which)
]
Repeat.model_rebuild()


def walk(items: tuple[Phase | Repeat, ...]) -> list[Phase]:
    """Return every phase that is written down, once each, in order."""
    found: list[Phase] = []
    for item in items:
        found += [item] if isinstance(item, Phase) else walk(item.phases)
    return found
