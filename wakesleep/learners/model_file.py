"""Model files: what they hold, and what a model offers. Imports no code of the user's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from wakesleep.data.names import DATA_SETS
from wakesleep.data.source import DataChoice, DataSource, as_source
from wakesleep.errors import InputError, choices, listed, nearest
from wakesleep.files import documents, references, specs
from wakesleep.files.references import imported
from wakesleep.learners.capabilities import CAPABILITIES
from wakesleep.learners.kinds import KINDS


class ModelSpec(specs.Spec):
    """What a model file holds."""

    model: specs.Name
    description: str = ""
    references: Annotated[tuple[str, ...], Field(strict=False)] = ()
    kind: str = Field(
        description=(
            "A kind that comes with the package, or './file.py:Class' (beside the model file) or "
            "'package.module:Class'."
        )
    )
    data: DataChoice = Field(
        description="The data set that the model is made for: a name, or data of your own.",
        json_schema_extra={"examples": list(DATA_SETS)},
    )
    parameters: dict[str, Any] = Field({}, description="Parameters of the kind.")
    offers: Annotated[tuple[str, ...], Field(strict=False)] | None = Field(
        None, description="Capabilities; default all that the kind has."
    )

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, kind: str) -> str:
        return references.check_name("kind", kind, KINDS, "kinds", "Class")

    @field_validator("offers")
    @classmethod
    def _possible(cls, offers: tuple[str, ...] | None, info: ValidationInfo) -> Any:
        kind = KINDS.get(info.data.get("kind", ""))
        possible = kind.offers if kind else tuple(CAPABILITIES)
        for capability in offers or ():
            if capability not in possible:
                raise ValueError(
                    f"capability '{capability}' cannot be offered{choices(capability, possible)}"
                )
        return offers

    @model_validator(mode="after")
    def _says_what_it_offers(self) -> ModelSpec:
        if self.kind not in KINDS and self.offers is None:
            raise ValueError(
                "a model of a kind of your own must say what it offers, such as "
                "'offers: [wake, sleep, goodness]'"
            )
        return self


# Newer parameters. If they are not set, a run stays the same, so that it can be continued.
LATER = (
    "skip_below",
    "dreams_vary",
    "top_down",
    "top_down_rate",
    "ewc",
    "dream_copy",
    "adaptation",
    "adaptation_recovery",
    "weight_fading",
    "consolidation",
    "hardware",
    "backward",
    "perturbations",
)
# Parts of parameters that came later; unset means false.
LATER_PARTS = {"hardware": ("accumulate",)}
# Capabilities that came later: whether a model has them does not change what a run does.
LATER_OFFERS = ("synapses", "unit_activity", "adaptation", "pulses")

# What gives a network a capability that its kind can have: a parameter, and what to set.
REMEDIES = {
    "dream": ("top_down", "model.top_down=true"),
    "pulses": ("hardware", "model.hardware.device=resistive, or other devices with 'levels'"),
}


@dataclass(frozen=True)
class LoadedModel:
    """A model file with values for its parameters.

    Attributes
    ----------
    spec
        The file's content.
    parameters
        The kind's checked parameters; a plain dictionary where the kind is the user's own.
    document
        The file it came from.
    """

    spec: ModelSpec
    parameters: Any
    document: documents.Document

    @property
    def name(self) -> str:
        """The model's name."""
        return self.spec.model

    @property
    def offers(self) -> tuple[str, ...]:
        """Capabilities of the model."""
        kind = KINDS.get(self.spec.kind)
        said = self.spec.offers if self.spec.offers is not None else kind.offers if kind else ()
        lacks = getattr(self.parameters, "lacks", ())
        return tuple(its for its in said if its not in lacks)

    @property
    def own_kind(self) -> str:
        """The reference of a kind that does not come with the package, with a whole path; or ""."""
        if self.spec.kind in KINDS:
            return ""
        named = references.installed("kinds").get(self.spec.kind, self.spec.kind)
        return str(references.placed(named, self.folder))

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the file refer to."""
        return self.document.folder or Path.cwd()

    @property
    def source(self) -> DataSource:
        """The data that the model is made for, with whole paths."""
        return as_source(self.spec.data).placed(self.folder)

    @property
    def code(self) -> str:
        """The sha256 of the user's own file that the kind names; empty for any other kind."""
        if self.own_kind and references.is_file(self.own_kind):
            return references.digest(self.own_kind)
        return ""

    @property
    def values(self) -> dict[str, Any]:
        """Every parameter, defaults included, as plain data."""
        dump = getattr(self.parameters, "model_dump", None)
        return dump(mode="json") if dump else dict(self.parameters)

    @property
    def decisive(self) -> dict[str, Any]:
        """The same, for the identity of a run: without unset parameters of newer versions."""
        its = {
            name: value
            for name, value in self.values.items()
            if value is not None or name not in LATER
        }
        for name, later in LATER_PARTS.items():
            if isinstance(its.get(name), Mapping):
                its[name] = {key: one for key, one in its[name].items() if one or key not in later}
        return its

    @property
    def decisive_offers(self) -> tuple[str, ...]:
        """Capabilities, without those that older versions did not know."""
        return tuple(its for its in self.offers if its not in LATER_OFFERS)


def from_document(document: documents.Document, values: Mapping[str, object]) -> LoadedModel:
    """Check a model file and set some of its parameters; imports no code of the user's.

    Parameters
    ----------
    document
        A parsed model file.
    values
        Parameters to be set instead of the file's.

    Raises
    ------
    InputError
        If the file, a parameter's name or its value is wrong.
    """
    spec = specs.validate(ModelSpec, document.tree, document)
    folder = document.folder or Path.cwd()
    values = references.placed(values, Path.cwd())
    file = references.placed(spec.parameters, folder)
    if spec.kind not in KINDS:
        return LoadedModel(spec, together(file, values, {}, spec.model), document)
    checks = imported(KINDS[spec.kind].parameters)
    defaults = {name: its.default for name, its in checks.model_fields.items()}
    # First the file alone, so that an error in it is reported at its place in the file.
    specs.validate(checks, spec.parameters, document, ("parameters",))
    if values:
        given = documents.Document(f"parameters of model '{spec.model}'", "", {}, {})
        tree = together(file, values, defaults, spec.model)
        for name in values:
            allowed, its = checks.model_fields, str(name).removeprefix("model.")
            if name not in allowed and name in tree:
                first = its.partition(".")[0]
                kinds = "" if first in allowed else _kinds_with(first)
                elsewhere = f", which is for models of kind {kinds}" if kinds else ""
                raise InputError(
                    f"model '{spec.model}' has no parameter '{name}'{elsewhere}"
                    f"{choices(its, allowed)}"
                )
        return LoadedModel(spec, specs.validate(checks, tree, given), document)
    return LoadedModel(spec, checks.model_validate(file), document)


def _kinds_with(parameter: str) -> str:
    """Return the kinds that have a parameter, in words; empty if there are none."""
    return listed(
        name for name, its in KINDS.items() if parameter in imported(its.parameters).model_fields
    )


def together(
    parameters: Mapping[str, Any],
    values: Mapping[str, Any],
    defaults: Mapping[str, Any],
    model: str,
    within: str = "",
) -> dict[str, Any]:
    """Return parameters with some of them set; ``hardware.noise`` sets a part of ``hardware``.

    Parameters
    ----------
    parameters
        What they are so far.
    values
        What is set. Parts are set after whole parameters.
    defaults
        The values of parameters that nothing sets.
    model
        The model's name, for errors.
    within
        The parameter that these are parts of, for errors.

    Raises
    ------
    InputError
        If a parameter has no parts.
    """
    parts: dict[str, dict[str, Any]] = {}
    tree = dict(parameters)
    for name, value in values.items():
        first, _, rest = str(name).partition(".")
        known = within or first in parameters or first in defaults
        if known and first and rest and name not in parameters:
            parts.setdefault(first, {})[rest] = value
        else:
            tree[name] = value
    for first, its in parts.items():
        group: Any = tree.get(first, defaults.get(first))
        name = f"{within}{first}"
        if hasattr(group, "model_dump"):
            group = group.model_dump(exclude_unset=True)
        if group is not None and not isinstance(group, Mapping):
            raise InputError(
                f"parameter '{name}' of model '{model}' is {group!r} and has no parts, so "
                f"'{name}.{next(iter(its))}' cannot be set"
            )
        tree[first] = together(group or {}, its, {}, model, f"{name}.")
    return tree


def unmet(needs: Mapping[str, str], model: LoadedModel) -> str | None:
    """Return what a model lacks, as a sentence, or None.

    Parameters
    ----------
    needs
        Capability -> what asks for it.
    model
        The model.
    """
    for capability, asker in needs.items():
        if capability not in model.offers:
            meant = "" if capability in CAPABILITIES else nearest(capability, CAPABILITIES)
            told = (
                f"model '{model.name}' does not offer '{capability}'{meant}, which is needed by "
                f"{asker}; it offers {listed(model.offers)}"
            )
            can = KINDS.get(model.spec.kind)
            needed, remedy = REMEDIES.get(capability, ("", ""))
            if needed and can is not None and capability in can.offers:
                told += f"; set {remedy}" if hasattr(model.parameters, needed) else ""
            return told
    return None
