"""What a model offers and what a run gives it: capabilities, chunks of steps, and model files.

A learner knows no protocol. It is handed chunks of steps of one sign, and answers probes.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, runtime_checkable

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from wakesleep import files
from wakesleep.data import DATA_SETS
from wakesleep.errors import InputError, listed, nearest

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from wakesleep.randomness import Streams

Negatives = Callable[[Any, "Tensor", "Tensor"], "tuple[Tensor, Tensor]"]


@dataclass(frozen=True)
class Setting:
    """What a model is built into: the shape of its data, and where it lives.

    Attributes
    ----------
    features, classes
        Number of inputs (pixels) and of classes.
    device, dtype
        Where tensors live, and their floating-point type.
    streams
        Named random streams; a model draws its weights from ``streams("weights")``.
    """

    features: int
    classes: int
    device: torch.device
    dtype: torch.dtype
    streams: Streams


@dataclass(frozen=True)
class Chunk:
    """Consecutive steps of one sign, with nothing to be looked at between them.

    Attributes
    ----------
    sign
        ``positive`` (raise goodness on real data), ``negative`` (lower it on negative data) or
        ``both`` (both in every step).
    images, labels
        The whole training set (cases, features) and (cases,), on the model's device.
    index
        Which cases each step uses (steps, batch).
    gains
        Factor of the learning rate at each step (steps,).
    negatives
        Called as ``negatives(model, images, labels)`` on a batch, returns negative images and
        labels; None where the sign is positive.
    separate_states
        Whether the optimiser keeps one state for each sign, or one for both.
    """

    sign: str
    images: Tensor
    labels: Tensor
    index: Tensor
    gains: Sequence[float]
    negatives: Negatives | None = None
    separate_states: bool = False


@runtime_checkable
class Learner(Protocol):
    """Learns; offers ``wake``, ``sleep`` and ``interleaved``, or some of them."""

    def learn(self, chunk: Chunk) -> int | None:
        """Take the chunk's steps in place.

        Returns the index (from 0) of the first step at which something was not finite, after
        which the rest of the chunk may be left out; None where all is well.
        """

    def state_dict(self) -> dict[str, Any]:
        """Return all that a resumed run needs, as nested dictionaries and lists of tensors."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what ``state_dict`` returned."""


@runtime_checkable
class HasGoodness(Protocol):
    """Offers ``goodness``: how real each layer finds a case, and where it draws the line."""

    layer_names: Sequence[str]

    def goodness(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return each layer's goodness (layers, cases)."""

    def log_odds(self, goodness: Tensor) -> Tensor:
        """Return the log odds of being real (layers, cases) for goodness of that shape."""

    def thresholds(self) -> Tensor:
        """Return the goodness at which the log odds are 0 (layers,)."""


@runtime_checkable
class Classifies(Protocol):
    """Offers ``classify``: one or more read-outs that name a case's class."""

    readouts: Sequence[str]

    def classify(self, images: Tensor, readout: str) -> Tensor:
        """Return the label (cases,) that a read-out picks."""


@runtime_checkable
class ProposesLabels(Protocol):
    """Offers ``label_probabilities``: how probable the network finds every label."""

    def label_probabilities(self, images: Tensor) -> Tensor:
        """Return probabilities (cases, classes)."""


@runtime_checkable
class HasWeightNorms(Protocol):
    """Offers ``weight_norms``."""

    layer_names: Sequence[str]

    def weight_norms(self) -> Tensor:
        """Return the root sum of squared weights per unit of each layer (layers,)."""


CAPABILITIES: dict[str, type] = {
    "wake": Learner,
    "sleep": Learner,
    "interleaved": Learner,
    "goodness": HasGoodness,
    "classify": Classifies,
    "label_probabilities": ProposesLabels,
    "weight_norms": HasWeightNorms,
}


@dataclass(frozen=True)
class Kind:
    """A kind of model that comes with the package.

    Attributes
    ----------
    parameters
        ``module:name`` of the pydantic class that checks a model file's parameters; it must not
        import torch, so that files are checked quickly.
    learner
        ``module:name`` of the class that is built as ``learner(parameters, setting)``.
    offers
        Capabilities it can have.
    """

    parameters: str
    learner: str
    offers: tuple[str, ...]


KINDS: dict[str, Kind] = {
    "forward_forward": Kind(
        parameters="wakesleep.forward_forward.parameters:Parameters",
        learner="wakesleep.forward_forward.network:ForwardForward",
        offers=tuple(CAPABILITIES),
    ),
}


class Spec(BaseModel):
    """What a model file holds."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    model: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]
    description: str = ""
    references: Annotated[tuple[str, ...], Field(strict=False)] = ()
    kind: str = Field(
        description=(
            "A kind that comes with the package, or './file.py:Class' (beside the model file) or "
            "'package.module:Class'."
        )
    )
    data: Annotated[str, files.OneOf("data set", tuple(DATA_SETS))] = Field(
        description="The data set that the model is made for."
    )
    parameters: dict[str, Any] = {}
    offers: Annotated[tuple[str, ...], Field(strict=False)] | None = Field(
        None, description="Capabilities; default all that the kind has."
    )

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, kind: str) -> str:
        if ":" not in kind and kind not in KINDS:
            raise ValueError(
                f"kind '{kind}' is unknown; allowed are {listed(KINDS)}, "
                f"./file.py:Class, package.module:Class{nearest(kind, KINDS)}"
            )
        return kind

    @field_validator("offers")
    @classmethod
    def _possible(cls, offers: tuple[str, ...] | None, info: ValidationInfo) -> Any:
        kind = KINDS.get(info.data.get("kind", ""))
        possible = kind.offers if kind else tuple(CAPABILITIES)
        for capability in offers or ():
            if capability not in possible:
                raise ValueError(
                    f"capability '{capability}' cannot be offered; allowed are "
                    f"{listed(possible)}{nearest(capability, possible)}"
                )
        return offers

    @model_validator(mode="after")
    def _says_what_it_offers(self) -> Spec:
        if self.kind not in KINDS and self.offers is None:
            raise ValueError(
                "a model of a kind of your own must say what it offers, such as "
                "'offers: [wake, sleep, goodness]'"
            )
        return self


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

    spec: Spec
    parameters: Any
    document: files.Document

    @property
    def name(self) -> str:
        """The model's name."""
        return self.spec.model

    @property
    def offers(self) -> tuple[str, ...]:
        """Capabilities of the model."""
        return self.spec.offers if self.spec.offers is not None else KINDS[self.spec.kind].offers

    @property
    def values(self) -> dict[str, Any]:
        """Every parameter, defaults included, as plain data."""
        dump = getattr(self.parameters, "model_dump", None)
        return dump(mode="json") if dump else dict(self.parameters)


def from_document(document: files.Document, values: Mapping[str, object]) -> LoadedModel:
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
    spec = files.validate(Spec, document.tree, document)
    tree = {**spec.parameters, **values}
    if spec.kind not in KINDS:
        return LoadedModel(spec, tree, document)
    checks = _imported(KINDS[spec.kind].parameters)
    # First the file by itself, so that an error in it is reported where it stands.
    files.validate(checks, spec.parameters, document, ("parameters",))
    if values:
        given = files.Document("-p model." + listed(values), "", {}, {})
        for name in values:
            allowed = checks.model_fields
            if name not in allowed:
                raise InputError(
                    f"model '{spec.model}' has no parameter '{name}'; allowed are "
                    f"{listed(allowed)}{nearest(name, allowed)}"
                )
        return LoadedModel(spec, files.validate(checks, tree, given), document)
    return LoadedModel(spec, checks.model_validate(tree), document)


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
            return (
                f"model '{model.name}' does not offer '{capability}', which is needed by "
                f"{asker}; it offers {listed(model.offers)}"
                + ("" if capability in CAPABILITIES else f"{nearest(capability, CAPABILITIES)}")
            )
    return None


def build(model: LoadedModel, setting: Setting) -> Any:
    """Make the learner; a kind of the user's own is imported here and nowhere else.

    Raises
    ------
    InputError
        If the class cannot be imported, or lacks what the model file says it offers.
    """
    target = KINDS[model.spec.kind].learner if model.spec.kind in KINDS else model.spec.kind
    learner = _imported(target, model.document)(model.parameters, setting)
    for capability in model.offers:
        if not isinstance(learner, CAPABILITIES[capability]):
            raise model.document.error(
                ("offers",),
                (
                    f"'{model.spec.kind}' does not have what '{capability}' asks for; see "
                    f"{CAPABILITIES[capability].__name__} in wakesleep.model"
                ),
            )
    return learner


def _imported(target: str, document: files.Document | None = None) -> Any:
    """Import ``package.module:name``, or ``./file.py:name`` beside the document."""
    module, _, name = target.partition(":")
    try:
        if module.endswith(".py"):
            path = (document.folder if document and document.folder else Path.cwd()) / module
            spec = importlib.util.spec_from_file_location(path.stem, path)
            if spec is None or spec.loader is None or not path.is_file():
                raise ImportError(f"there is no file {path}")
            loaded = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(loaded)
        else:
            loaded = importlib.import_module(module)
        return getattr(loaded, name)
    except (ImportError, AttributeError) as error:
        if document is None:
            raise
        raise document.error(("kind",), f"'{target}' cannot be imported: {error}") from None
