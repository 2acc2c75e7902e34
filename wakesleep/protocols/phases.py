"""The phases of a protocol: their kinds, lengths, conditions and repeats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from wakesleep.errors import choices
from wakesleep.files import specs
from wakesleep.protocols.downscale import Downscale
from wakesleep.protocols.kinds import PHASES, PhaseName
from wakesleep.protocols.negatives import Negatives
from wakesleep.protocols.replay import Replay
from wakesleep.protocols.spontaneous import Spontaneous
from wakesleep.protocols.tasks import Classes, DreamOf, Tasks
from wakesleep.results.schema import QUANTITIES, STAGES

Hours = Annotated[float, Field(gt=0, le=10**9)]
Count = Annotated[int, Field(ge=1, le=10**12)]
QuantityName = Annotated[str, specs.NameOrCode("quantity", tuple(QUANTITIES), "quantities")]
StageName = Annotated[str, specs.OneOf("stage", STAGES)]
Share = Annotated[float, Field(ge=0, le=1)]
Cycle = Annotated[int, Field(ge=0)]
Cycles = Cycle | Annotated[tuple[Cycle, ...], Field(strict=False, min_length=1)]


class Condition(specs.Spec):
    """A bound on a recorded quantity, which is checked whenever the quantity is recorded.

    With ``circadian``, the bound goes up and down with the time of day, as process C of the
    two-process model does (Borbely 1982).
    """

    quantity: QuantityName
    below: float | None = None
    above: float | None = None
    layer: str | None = Field(None, description="A layer's name; default the mean over layers.")
    sign: Literal["positive", "negative"] | None = None
    readout: str | None = None
    cycles: dict[str, Cycles] | None = Field(
        None,
        description=(
            "Cycles (from 0), by the name of their repeat, in which the condition is checked, such "
            "as {weeks: [1, 2]}; in other cycles the phase has its longest length."
        ),
    )
    circadian: float = Field(
        0.0, description="Amplitude of the bound's daily swing; needs the protocol's clock."
    )
    acrophase_h: Annotated[float, Field(ge=0, lt=24)] = Field(
        17.0, description="Time of day at which the bound is highest, in hours."
    )

    @model_validator(mode="after")
    def _complete(self) -> Condition:
        if (self.below is None) == (self.above is None):
            raise ValueError("a condition needs either 'below' or 'above'")
        for selector in ("layer", "sign", "readout"):
            if (
                getattr(self, selector) is not None
                and self.quantity in QUANTITIES
                and selector not in QUANTITIES[self.quantity].dims
            ):
                raise ValueError(f"'{self.quantity}' has no {selector} to select")
        return self


class Phase(specs.Spec):
    """One phase of a timetable."""

    phase: PhaseName
    steps: Count | None = Field(None, description="Length in weight updates.")
    sweeps: Count | None = Field(None, description="Length in sweeps of the training data.")
    hours: Hours | None = Field(None, description="Length in hours of the protocol's clock.")
    minutes: Hours | None = Field(None, description="Length in minutes of the protocol's clock.")
    until: Condition | None = Field(None, description="Ends the phase as soon as it holds.")
    at_most: Count | None = Field(None, description="Longest length in updates, with 'until'.")
    at_most_hours: Hours | None = Field(None, description="The same, in hours of the clock.")
    shares: Annotated[tuple[Share, ...], Field(strict=False, min_length=1)] | None = Field(
        None,
        description=(
            "Fraction of the phase's length in each cycle of its repeat, such as "
            "[0.9, 0.7, 0.5, 0.3]; with 0 the phase is left out."
        ),
    )
    cooling: Literal["second_half"] | None = Field(
        None,
        description=(
            "Lower the learning rate linearly to almost zero in the second half of the phase."
        ),
    )
    negatives: Negatives | None = Field(
        None, description="Negative data of this phase, instead of the protocol's."
    )
    mode: Literal["negative", "centred", "measure"] = Field(
        "negative",
        description=(
            "What sleep does: plain negative updates; negative updates minus the stored baseline; "
            "or only a new measurement of the baseline, without a change of weights (footnote 15 "
            "of the paper)."
        ),
    )
    layers: Annotated[tuple[Count, ...], Field(strict=False, min_length=1)] | None = Field(
        None, description="Hidden layers that learn (1 is the lowest); default all."
    )
    stage: StageName | None = Field(
        None, description="Stage in the hypnogram; default from the phase and negative data."
    )
    classes: Classes | None = Field(
        None, description="Classes of the real cases that are shown; default all, or the task's."
    )
    replay: Replay | None = Field(
        None, description="For phase 'replay': the source of its cases; default dreams."
    )
    downscale: Downscale | None = Field(
        None, description="For phase 'downscale': how fast weights shrink."
    )
    spontaneous: Spontaneous | None = Field(
        None, description="For phase 'spontaneous': how units fire, and how weights change."
    )
    dream_of: DreamOf | None = Field(
        None,
        description=(
            "Classes of dreams (for 'dream' and 'mixture'): today (those that are shown now), "
            "known (all shown so far; the default in replay), or others (the known classes except "
            "today's). The default in sleep is the classes of its own cases."
        ),
    )

    @model_validator(mode="after")
    def _one_length(self) -> Phase:
        if self.at_most is not None and self.at_most_hours is not None:
            raise ValueError("'at_most' and 'at_most_hours' exclude each other")
        if (self.until is None) != (self.at_most is None and self.at_most_hours is None):
            raise ValueError("'until' and 'at_most' (or 'at_most_hours') go together")
        lengths = ("steps", "sweeps", "hours", "minutes", "until")
        given = [name for name in lengths if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                "a phase needs exactly one of steps, sweeps, hours, minutes, or until with at_most"
                + (f"; it has {' and '.join(given)}" if given else "")
            )
        if self.shares is not None and self.until is not None:
            raise ValueError("'shares' and 'until' exclude each other")
        if self.shares is not None and not any(self.shares):
            raise ValueError("'shares' are all 0")
        if self.phase == "consolidate" and self.until is not None:
            raise ValueError("phase 'consolidate' has a fixed length: no 'until'")
        # A rest may keep the keys of the phase that it replaces.
        for own in ("replay", "downscale", "spontaneous"):
            if getattr(self, own) is not None and self.phase not in (own, "rest"):
                raise ValueError(f"'{own}' is for phase '{own}', not for '{self.phase}'")
        if self.phase == "downscale" and self.downscale is None:
            raise ValueError("phase 'downscale' needs 'downscale', such as {per_hour: 0.02}")
        if self.phase == "downscale" and (self.classes or self.dream_of):
            raise ValueError("phase 'downscale' shows and dreams nothing: no 'classes', 'dream_of'")
        if (
            self.phase in ("replay", "downscale", "spontaneous", "consolidate")
            and self.negatives is not None
        ):
            raise ValueError(
                f"phase '{self.phase}' has no negative data; say '{self.phase}' instead"
            )
        if self.dream_of is not None and not PHASES[self.phase].asleep and self.phase != "rest":
            raise ValueError(f"'dream_of' is for sleep, not for phase '{self.phase}'")
        if self.classes is not None and self.sweeps is not None:
            raise ValueError("a phase of some classes is measured in steps, hours or minutes")
        if self.mode != "negative" and PHASES[self.phase].sign != "negative":
            raise ValueError(f"'mode: {self.mode}' is for sleep, not for phase '{self.phase}'")
        return self


class Repeat(specs.Spec):
    """Phases that are repeated."""

    repeat: Annotated[int, Field(ge=0)] = 1
    block: specs.Name | None = Field(None, description="Name of these cycles in the results.")
    tasks: Tasks | None = Field(
        None,
        description=(
            "Classes of each cycle: a list of classes for every cycle, or a number of equal "
            "parts of all classes. The default for 'repeat' is then one cycle for each task."
        ),
    )
    phases: Annotated[tuple[Item, ...], Field(strict=False, min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _one_cycle_for_each_task(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and "tasks" in given and "repeat" not in given:
            tasks = given["tasks"]
            if isinstance(tasks, int | list | tuple) and not isinstance(tasks, bool):
                return {**given, "repeat": tasks if isinstance(tasks, int) else len(tasks)}
        return given

    @model_validator(mode="after")
    def _as_many_tasks(self) -> Repeat:
        if self.tasks is None:
            return self
        count = self.tasks if isinstance(self.tasks, int) else len(self.tasks)
        if count != self.repeat:
            raise ValueError(f"{count} tasks for {self.repeat} cycles; one is needed for each")
        if any(its.sweeps is not None for its in walk(self.phases)):
            raise ValueError("phases of tasks are measured in steps, hours or minutes, not sweeps")
        return self


def _which(item: object) -> str:
    if isinstance(item, Mapping):
        keys = {"repeat", "phases", "tasks"}
        keys |= set() if "phase" in item else {"block"}
        return "<Repeat>" if keys & item.keys() else "<Phase>"
    return "<Repeat>" if type(item).__name__ == "Repeat" else "<Phase>"


Item = Annotated[
    Annotated[Phase, Tag("<Phase>")] | Annotated[Repeat, Tag("<Repeat>")], Discriminator(_which)
]
Repeat.model_rebuild()


def walk(items: tuple[Phase | Repeat, ...], unused: bool = True) -> list[Phase]:
    """Return every phase in the file, once each, in order.

    Without ``unused``, the phases of repeats with 0 cycles are left out.
    """
    found: list[Phase] = []
    for item in items:
        if isinstance(item, Phase):
            found.append(item)
        elif item.repeat or unused:
            found += walk(item.phases, unused)
    return found


def check_cycles(
    items: tuple[Phase | Repeat, ...],
    around: Mapping[str, int] | None = None,
    innermost: int | None = None,
) -> None:
    """Refuse a repeat inside another one of the same name, and keys for cycles that do not exist.

    Parameters
    ----------
    items
        Phases and repeats.
    around
        Number of cycles of every enclosing repeat, by its name.
    innermost
        Number of cycles of the innermost repeat; None outside of all repeats.

    Raises
    ------
    ValueError
        If something is refused; the message names the repeat.
    """
    around = around or {}
    for item in items:
        if isinstance(item, Repeat):
            if item.block in around:
                raise ValueError(
                    f"a repeat called '{item.block}' is inside another of that name; give "
                    "each a name of its own"
                )
            inner = {**around, item.block: item.repeat} if item.block else around
            check_cycles(item.phases, inner, item.repeat)
            continue
        if item.shares is not None and innermost is None:
            raise ValueError("'shares' are for a phase in a repeat")
        if item.shares is not None and innermost and len(item.shares) != innermost:
            raise ValueError(
                f"'shares' has {len(item.shares)} numbers, but its repeat has {innermost} cycles"
            )
        for name, cycles in ((item.until.cycles if item.until else None) or {}).items():
            if name not in around:
                raise ValueError(
                    f"a condition is for cycles of '{name}', but its phase is in no repeat of "
                    f"that name{choices(name, sorted(around), 'it is in')}"
                )
            asked = cycles if isinstance(cycles, tuple) else (cycles,)
            late = [its for its in asked if its >= around[name]]
            if late and around[name]:
                raise ValueError(
                    f"a condition is for cycle {late[0]} of '{name}', whose last one is "
                    f"{around[name] - 1}"
                )


def block_names(items: tuple[Phase | Repeat, ...]) -> set[str]:
    """Return the names of all blocks in the file."""
    found: set[str] = set()
    for item in items:
        if isinstance(item, Repeat):
            found |= {item.block} if item.block else set()
            found |= block_names(item.phases)
    return found


def repeats(items: tuple[Phase | Repeat, ...]) -> list[Repeat]:
    """Return every repeat in the file, outer ones first."""
    found: list[Repeat] = []
    for item in items:
        if isinstance(item, Repeat):
            found += [item, *repeats(item.phases)]
    return found
