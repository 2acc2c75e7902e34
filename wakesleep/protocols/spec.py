"""What a protocol file holds, with its inputs filled in.

A protocol states when a network is awake and when it sleeps. It is independent of the learner: it
only names the capabilities that a model must have.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from wakesleep.data.names import DATA_SETS
from wakesleep.data.source import DataChoice
from wakesleep.errors import listed
from wakesleep.files import specs
from wakesleep.files.inputs import Input, Words
from wakesleep.learners.capabilities import CAPABILITIES
from wakesleep.negatives import stated
from wakesleep.protocols.clock import Clock, SleepPressure
from wakesleep.protocols.days import no_days
from wakesleep.protocols.kinds import PHASES
from wakesleep.protocols.negatives import Negatives
from wakesleep.protocols.phases import (
    Count,
    Item,
    Phase,
    QuantityName,
    check_cycles,
    repeats,
    walk,
)
from wakesleep.protocols.replay import Replay
from wakesleep.protocols.tasks import has_views
from wakesleep.results.schema import QUANTITIES, stated_quantity


def _which_set(choice: object) -> str:
    return "<Model>" if choice == "model" else "<Data>"


SetChoice = Annotated[
    Annotated[Literal["model"], Tag("<Model>")] | Annotated[DataChoice, Tag("<Data>")],
    Discriminator(_which_set),
]


CapabilityName = Annotated[str, specs.OneOf("capability", tuple(CAPABILITIES))]


class Data(specs.Spec):
    """The data of a protocol."""

    set: SetChoice = Field(
        "model",
        description="A data set's name, your own data, or 'model' for the model's data.",
        json_schema_extra={"examples": ["model", *DATA_SETS]},
    )
    batch: Annotated[int, Field(ge=0)] = Field(
        100, description="Cases in every update; 0 for all training cases."
    )
    train: Annotated[int, Field(ge=0)] = Field(
        0, description="Number of training cases to use; 0 for all."
    )
    jitter: Annotated[int, Field(ge=0)] = Field(
        0,
        description="Largest random shift of images in pixels, drawn again at every presentation.",
    )
    updates_per_batch: Count = Field(
        1,
        description=(
            "Updates that every layer makes on a batch before the next layer starts; a step is "
            "then a batch."
        ),
    )

    def batch_of(self, train_cases: int) -> int:
        """Return the number of cases in every update, for a number of training cases."""
        return self.batch or train_cases


class Record(specs.Spec):
    """When probes are taken, and what they record; every phase ends with a probe."""

    every: Count | None = Field(None, description="Steps between further probes within a phase.")
    every_sweeps: Count | None = Field(None, description="The same, in sweeps.")
    cycles: Count | None = Field(
        None,
        description=(
            "In a repeat with more cycles than this, record only about this many of them: the "
            "first, the last, and others at increasing distances."
        ),
    )
    cases: Count | None = Field(None, description="Validation cases per probe; default all.")
    quantities: Annotated[tuple[QuantityName, ...], Field(strict=False)] | None = Field(
        None, description="Quantities to record; default all that the model offers."
    )
    also: Annotated[tuple[QuantityName, ...], Field(strict=False)] | None = Field(
        None, description="Further quantities to record, such as ./file.py:name."
    )
    networks: Literal["phase_ends"] | None = Field(
        None, description="Keep the network at the end of every recorded phase, beside the result."
    )
    activities: Count | None = Field(
        None,
        description=(
            "Record the activity of every hidden unit on this many validation cases (the first "
            "ones), shown with their labels."
        ),
    )
    test: bool = Field(False, description="Read the test data, once, when the run has ended.")

    @model_validator(mode="after")
    def _one_interval(self) -> Record:
        if self.every is not None and self.every_sweeps is not None:
            raise ValueError("'every' and 'every_sweeps' exclude each other")
        return self


class Protocol(specs.Spec):
    """A protocol with all its inputs filled in."""

    protocol: specs.Name
    description: str = ""
    references: Words = ()
    inputs: dict[specs.Name, Input] = Field({}, description="Inputs that a run can set, by name.")
    requires: Annotated[tuple[CapabilityName, ...], Field(strict=False)] = Field(
        (), description="Capabilities that a model must offer."
    )
    data: Data = Data()
    negatives: Negatives = Negatives()
    optimiser_state: Literal["shared", "separate", "reset"] = Field(
        "shared",
        description=(
            "Whether positive and negative updates share one state of the optimiser, have one "
            "each, or share one that is reset at the start of every phase."
        ),
    )
    momentum: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        None,
        description=(
            "Weight of the past in the running mean of gradients; default the model's own. To "
            "average over a cycle of two phases of k steps, 1/(1 - momentum) must be far above 2k."
        ),
    )
    baseline_awake: bool | None = Field(
        None,
        description=(
            "Subtract the stored baseline from positive updates; default if some sleep is "
            "'centred' or 'measure'."
        ),
    )
    sleep_pressure: SleepPressure | None = Field(
        None, description="Process S of the two-process model: recorded, and usable in conditions."
    )
    clock: Clock | None = None
    record: Record = Record()
    phases: Annotated[tuple[Item, ...], Field(strict=False, min_length=1)]

    @model_validator(mode="after")
    def _conditions_are_looked_at(self) -> Protocol:
        for phase in walk(self.phases):
            if phase.until is None:
                continue
            if self.record.every is None and self.record.every_sweeps is None:
                raise specs.AtKey(
                    "until",
                    "a phase with 'until' needs 'record: {every: ...}', the number of steps after "
                    "which its condition is looked at",
                )
            recorded = self.record.quantities
            own = phase.until.quantity not in QUANTITIES
            if own and phase.until.quantity not in (*(recorded or ()), *(self.record.also or ())):
                raise ValueError(
                    f"a phase waits for '{phase.until.quantity}', which is not recorded; name it "
                    "under 'record: {also: [...]}'"
                )
            if not own and recorded is not None and phase.until.quantity not in recorded:
                raise ValueError(
                    f"a phase waits for '{phase.until.quantity}', which is not among the recorded "
                    f"quantities, {listed(recorded)}"
                )
            if phase.until.circadian and self.clock is None:
                raise specs.AtKey("circadian", "a condition with 'circadian' needs a 'clock'")
        return self

    @model_validator(mode="after")
    def _stored_cases_have_their_place(self) -> Protocol:
        if stated(self.negatives.source).real:
            raise ValueError(
                "'stored' cannot be the protocol's negative data, on which probes are taken; name "
                "it in a phase"
            )
        for phase in walk(self.phases):
            its = phase.negatives
            if its and stated(its.source).real and its.options.get("label") == "own":
                raise ValueError("stored cases with their own label are real: replay learns them")
        return self

    @model_validator(mode="after")
    def _others_are_there(self) -> Protocol:
        others = any(its.dream_of == "others" for its in walk(self.phases))
        if others and not self.goes_through_tasks:
            raise specs.AtKey(
                "dream_of",
                "'dream_of: others' needs 'tasks' or 'classes': here each day shows all classes",
                "others",
            )
        return self

    @model_validator(mode="after")
    def _hours_have_a_clock(self) -> Protocol:
        for phase in walk(self.phases):
            if phase.downscale and phase.downscale.per_hour is not None and self.clock is None:
                sentence = "'downscale' with 'per_hour' needs a 'clock' (or 'per_update')"
                raise specs.AtKey("per_hour", sentence)
            for name in ("hours", "minutes", "at_most_hours"):
                if getattr(phase, name) is not None and self.clock is None:
                    raise specs.AtKey(name, f"a phase with '{name}' needs a 'clock'")
        return self

    @model_validator(mode="after")
    def _cycles_are_there(self) -> Protocol:
        check_cycles(self.phases)
        return self

    @model_validator(mode="after")
    def _pressure_is_there(self) -> Protocol:
        if self.sleep_pressure is not None and self.clock is None:
            raise specs.AtKey("sleep_pressure", "'sleep_pressure' needs a 'clock'")
        asked = [phase.until.quantity for phase in walk(self.phases) if phase.until is not None]
        if "sleep_pressure" in (*asked, *(self.record.quantities or ())) and not (
            self.sleep_pressure
        ):
            raise ValueError("the quantity 'sleep_pressure' needs the key 'sleep_pressure'")
        return self

    @property
    def subtracts_baseline(self) -> bool:
        """Whether waking subtracts the stored baseline."""
        if self.baseline_awake is not None:
            return self.baseline_awake
        return any(phase.mode != "negative" for phase in walk(self.phases))

    @property
    def goes_through_tasks(self) -> bool:
        """Whether some phases present only some of the classes."""
        return any(its.classes is not None for its in walk(self.phases)) or any(
            its.tasks is not None for its in repeats(self.phases)
        )

    @property
    def changes_images(self) -> bool:
        """Whether some tasks present changed images."""
        return any(has_views(its.tasks) for its in repeats(self.phases))

    def warnings(self) -> list[str]:
        """Return warnings about settings that are allowed but probably not intended."""
        return [*self._baseline_warnings(), *self._clock_warnings()]

    def _clock_warnings(self) -> list[str]:
        """Return a warning for every cycle of wake and sleep that is not a day on the clock."""
        if self.clock is None:
            return []
        found = []
        day = self.clock.day_h or 24.0
        for repeat, hours in no_days(self.phases, self.clock.steps_per_hour, day):
            name = f"block '{repeat.block}'" if repeat.block else "a repeat"
            found.append(
                f"a day and night of {name} last {hours:.4g} h on the clock, not {day:g}; "
                "state phases in hours, change steps_per_hour, or say 'clock: {day_h: "
                f"{hours:.4g}}}' if this is meant"
            )
        return found

    def _baseline_warnings(self) -> list[str]:
        plain = any(
            PHASES[phase.phase].sign in ("negative", "both") and phase.mode == "negative"
            for phase in walk(self.phases)
        )
        if self.subtracts_baseline and plain:
            return [
                "the stored baseline is counted twice: it is subtracted awake, and some sleep "
                "makes the full negative updates ('mode: negative') as well; see 'baseline_awake'"
            ]
        return []

    def needs(self, offers: Collection[str] = ()) -> dict[str, str]:
        """Return every capability a model must offer, and the part of the protocol that needs it.

        Parameters
        ----------
        offers
            Capabilities of the model. If the protocol does not say what to record, everything that
            they allow is recorded.
        """
        asked = dict.fromkeys(self.requires, "its 'requires'")
        for phase in walk(self.phases, unused=False):
            kind = PHASES[phase.phase]
            if kind.needs:
                asked.setdefault(kind.needs, f"phase '{phase.phase}'")
            if phase.phase == "downscale" and phase.downscale and phase.downscale.by:
                asked.setdefault("unit_activity", "phase 'downscale' with 'by: activity'")
            if phase.phase == "replay":
                _ask_for_replay(asked, phase.replay or Replay())
            if kind.sign in ("negative", "both"):
                _ask_for_negatives(asked, self.negatives_of(phase))
                if phase.mode != "negative":
                    asked.setdefault("baseline", f"phase '{phase.phase}' with 'mode'")
            if phase.layers is not None:
                asked.setdefault("layerwise", f"phase '{phase.phase}' with 'layers'")
            if phase.until is not None:
                for capability in stated_quantity(phase.until.quantity).needs:
                    asked.setdefault(capability, f"condition on '{phase.until.quantity}'")
        if self.subtracts_baseline:
            asked.setdefault("baseline", "'baseline_awake'")
        if self.data.updates_per_batch > 1:
            asked.setdefault("updates_per_batch", "its 'updates_per_batch'")
        if self.momentum is not None:
            asked.setdefault("momentum", "its 'momentum'")
        for quantity in (*(self.record.quantities or ()), *(self.record.also or ())):
            for capability in stated_quantity(quantity).needs:
                asked.setdefault(capability, f"record '{quantity}'")
        measured = {*asked, *(offers if self.record.quantities is None else ())}
        if "goodness" in measured:  # on negative data too
            _ask_for_negatives(asked, self.negatives)
        return asked

    def negatives_of(self, phase: Phase) -> Negatives:
        """Return where the negative data of a phase come from."""
        return phase.negatives or self.negatives


def _ask_for_replay(asked: dict[str, str], replay: Replay) -> None:
    its = stated(replay.source)
    capability = "sample" if its.own else its.needs
    if capability:
        asked.setdefault(capability, f"replay of '{replay.source}'")


def _ask_for_negatives(asked: dict[str, str], negatives: Negatives) -> None:
    capability = stated(negatives.source).needs
    if capability:
        asked.setdefault(capability, f"negative data '{negatives.source}'")
