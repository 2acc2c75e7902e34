"""Protocol files: what is in them, and how their inputs are filled in.

A protocol says when a network is awake and when it sleeps. It knows no learner: what it needs of a
model are capabilities, by name.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from wakesleep import files, specs
from wakesleep.capabilities import CAPABILITIES
from wakesleep.data import DATA_SETS
from wakesleep.errors import InputError, listed, nearest
from wakesleep.negatives import SOURCES
from wakesleep.phases import PHASES, Count, Item, QuantityName, walk
from wakesleep.results import QUANTITIES

Words = Annotated[tuple[str, ...], Field(strict=False)]
DataSetName = Annotated[str, specs.OneOf("data set", ("model", *DATA_SETS))]
SourceName = Annotated[str, specs.OneOf("source", tuple(SOURCES))]
CapabilityName = Annotated[str, specs.OneOf("capability", tuple(CAPABILITIES))]


class Input(specs.Spec):
    """One knob of a protocol; its type is that of its default."""

    default: bool | int | float | str
    description: str = ""
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: Words | None = None

    def checked(self, name: str, value: object) -> bool | int | float | str:
        """Return the value as this input's type.

        Raises
        ------
        InputError
            If the value is of another type, or outside what is allowed.
        """
        wanted = files.kind_of(self.default)
        given: bool | int | float | str
        if isinstance(self.default, float) and type(value) is int:
            given = float(value)
        elif type(value) is type(self.default):
            given = value  # type: ignore[assignment]
        else:
            shown = f"'{value}'" if isinstance(value, str) else f"{value!r}"
            raise InputError(f"input '{name}' must be {wanted}, not {shown}")
        if self.choices is not None and given not in self.choices:
            raise InputError(
                f"input '{name}' is '{given}'; allowed are {listed(self.choices)}"
                f"{nearest(given, self.choices)}"
            )
        if isinstance(given, (int, float)) and not isinstance(given, bool):
            if self.minimum is not None and not given >= self.minimum:
                raise InputError(f"input '{name}' must be at least {self.minimum:g}, not {given:g}")
            if self.maximum is not None and not given <= self.maximum:
                raise InputError(f"input '{name}' must be at most {self.maximum:g}, not {given:g}")
        return given


class Data(specs.Spec):
    """The data of a protocol."""

    set: DataSetName = Field(
        "model",
        description=("Name of a data set, or 'model' for the one that the model file names."),
    )
    batch: Count = Field(100, description="Cases in every update.")
    train: Count | None = Field(None, description="Use only so many training cases.")


class Negatives(specs.Spec):
    """Where negative data come from."""

    source: SourceName = Field("wrong_label", description="Name of a source of negative data.")


class Clock(specs.Spec):
    """How steps turn into hours."""

    steps_per_hour: Annotated[float, Field(gt=0)]
    start_h: Annotated[float, Field(ge=0, lt=24)] = Field(
        0.0, description="Time of day at step 0, in hours."
    )


class Record(specs.Spec):
    """When and on what the probes are taken; a probe is always taken at the end of a phase."""

    every: Count | None = Field(None, description="Also every so many steps within a phase.")
    every_sweeps: Count | None = Field(None, description="The same, in sweeps.")
    cases: Count | None = Field(None, description="Validation cases per probe; default all.")
    quantities: Annotated[tuple[QuantityName, ...], Field(strict=False)] | None = Field(
        None, description="What to record; default all that the model offers."
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
    inputs: dict[specs.Name, Input] = Field({}, description="The knobs, by name.")
    requires: Annotated[tuple[CapabilityName, ...], Field(strict=False)] = Field(
        (), description="Capabilities that a model must offer."
    )
    data: Data = Data()
    negatives: Negatives = Negatives()
    optimiser_state: Literal["shared", "separate"] = Field(
        "shared",
        description=("Whether positive and negative updates share one state of the optimiser."),
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
                raise ValueError(
                    "a phase with 'until' needs 'record: {every: ...}', the number of steps after "
                    "which its condition is looked at"
                )
            recorded = self.record.quantities
            if recorded is not None and phase.until.quantity not in recorded:
                raise ValueError(
                    f"a phase waits for '{phase.until.quantity}', which is not among the recorded "
                    f"quantities, {listed(recorded)}"
                )
        return self

    def needs(self, offers: Collection[str] = ()) -> dict[str, str]:
        """Return every capability a model must offer, and what in the protocol asks for it.

        Parameters
        ----------
        offers
            Capabilities of the model in view: where the protocol leaves open what is recorded,
            all that they allow is.
        """
        asked = dict.fromkeys(self.requires, "its 'requires'")
        for phase in walk(self.phases):
            kind = PHASES[phase.phase]
            if kind.needs:
                asked.setdefault(kind.needs, f"phase '{phase.phase}'")
            if kind.sign in ("negative", "both"):
                self._ask_for_negatives(asked)
            if phase.until is not None:
                quantity = phase.until.quantity
                asked.setdefault(QUANTITIES[quantity].needs, f"condition on '{quantity}'")
        for quantity in self.record.quantities or ():
            asked.setdefault(QUANTITIES[quantity].needs, f"record '{quantity}'")
        measured = {*asked, *(offers if self.record.quantities is None else ())}
        if "goodness" in measured:  # on negative data too
            self._ask_for_negatives(asked)
        return asked

    def _ask_for_negatives(self, asked: dict[str, str]) -> None:
        source = self.negatives.source
        capability = SOURCES[source].needs
        if capability:
            asked.setdefault(capability, f"negative data '{source}'")


@dataclass(frozen=True)
class LoadedProtocol:
    """A protocol file with values for its inputs.

    Attributes
    ----------
    spec
        The protocol with the values filled in.
    values
        Value of every input.
    document
        The file it came from.
    """

    spec: Protocol
    values: Mapping[str, bool | int | float | str]
    document: files.Document

    @property
    def name(self) -> str:
        """The protocol's name."""
        return self.spec.protocol

    @property
    def resolved(self) -> str:
        """The filled-in protocol as JSON, for the record."""
        return json.dumps(self.spec.model_dump(exclude_none=True, exclude={"inputs"}))


def from_document(document: files.Document, values: Mapping[str, object]) -> LoadedProtocol:
    """Check a document and fill in its inputs.

    Parameters
    ----------
    document
        A parsed protocol file.
    values
        Inputs to be set; the others have their defaults.

    Raises
    ------
    InputError
        If a value does not fit its input, an input is not declared, or the file is wrong.
    """
    tree = dict(document.tree)
    inputs = _inputs(document)
    for name in values:
        if name not in inputs:
            allowed = listed(inputs) or "none"
            raise InputError(
                f"protocol '{tree.get('protocol')}' declares no input '{name}'; "
                f"its inputs are {allowed}{nearest(name, inputs)} (a model's parameter is set as "
                "model.NAME)"
            )
    chosen = {}
    for name, its in inputs.items():
        try:
            chosen[name] = its.checked(name, its.default)
        except InputError as error:
            raise document.error(("inputs", name, "default"), str(error)) from None
        if name in values:
            chosen[name] = its.checked(name, values[name])
    used: set[str] = set()
    filled = {
        key: value
        if key in ("inputs", "description", "references")
        else _filled(value, (key,), chosen, document, used)
        for key, value in tree.items()
    }
    spec = specs.validate(Protocol, filled, document)
    for name in inputs:
        if name not in used:
            raise document.error(
                ("inputs", name), f"input '{name}' is declared, but '${name}' stands nowhere"
            )
    return LoadedProtocol(spec, chosen, document)


def _inputs(document: files.Document) -> dict[str, Input]:
    declared = document.tree.get("inputs") or {}
    if not isinstance(declared, Mapping):
        raise document.error(("inputs",), "'inputs' must be a mapping of names to their defaults")
    return {
        name: specs.validate(Input, its, document, ("inputs", name))
        for name, its in declared.items()
    }


def _filled(
    node: Any,
    path: files.Path_,
    values: Mapping[str, object],
    document: files.Document,
    used: set[str],
) -> Any:
    """Replace every ``$name`` by the value of that input, and note the name as used."""
    if isinstance(node, Mapping):
        return {
            key: _filled(value, (*path, key), values, document, used) for key, value in node.items()
        }
    if isinstance(node, list):
        return [
            _filled(value, (*path, number), values, document, used)
            for number, value in enumerate(node)
        ]
    if isinstance(node, str) and node.startswith("$"):
        name = node[1:]
        if name not in values:
            raise InputError(
                f"{document.where(path)}: '{node}' refers to no declared input; declared are "
                f"{listed(values) or 'none'}{nearest(name, values)}"
            )
        used.add(name)
        return values[name]
    return node
