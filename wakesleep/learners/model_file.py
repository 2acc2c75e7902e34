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
# Capabilities that came later: whether a model has them does not change what a run does.
LATER_OFFERS = ("synapses", "unit_activity", "adaptation")


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
        return {
            name: value
            for name, value in self.values.items()
            if value is not None or name not in LATER
        }

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
    tree = together(references.placed(spec.parameters, folder), values, spec.model)
    if spec.kind not in KINDS:
        return LoadedModel(spec, tree, document)
    checks = imported(KINDS[spec.kind].parameters)
    # First the file alone, so that an error in it is reported at its place in the file.
    specs.validate(checks, spec.parameters, document, ("parameters",))
    if values:
        given = documents.Document(f"parameters of model '{spec.model}'", "", {}, {})
        for name in values:
            allowed, its = checks.model_fields, str(name).removeprefix("model.")
            if (str(name).partition(".")[0] if is_part(name) else name) not in allowed:
                raise InputError(
                    f"model '{spec.model}' has no parameter '{name}'{choices(its, allowed)}"
                )
        return LoadedModel(spec, specs.validate(checks, tree, given), document)
    return LoadedModel(spec, checks.model_validate(tree), document)


def together(
    parameters: Mapping[str, Any], values: Mapping[str, Any], model: str
) -> dict[str, Any]:
    """Return parameters with some of them set; ``hardware.noise`` sets a part of ``hardware``.

    Parameters
    ----------
    parameters
        What the file says.
    values
        What is set. Parts are set after whole parameters.
    model
        The model's name, for errors.

    Raises
    ------
    InputError
        If a parameter has no parts.
    """
    whole = {str(name): value for name, value in values.items() if not is_part(name)}
    tree = {**parameters, **whole}
    for name in filter(is_part, values):
        first, _, rest = str(name).partition(".")
        group = {} if tree.get(first) is None else tree[first]
        if not isinstance(group, Mapping):
            raise InputError(
                f"parameter '{first}' of model '{model}' has no parts, so '{name}' cannot be set"
            )
        tree[first] = together(group, {rest: values[name]}, model)
    return tree


def is_part(name: object) -> bool:
    """Say whether a name is that of a part of a parameter, as ``hardware.noise``."""
    first, _, rest = str(name).partition(".")
    return bool(first and rest) and first != "model"


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
            if capability == "dream" and can is not None and "dream" in can.offers:
                told += "; set model.top_down=true" if hasattr(model.parameters, "top_down") else ""
            return told
    return None
