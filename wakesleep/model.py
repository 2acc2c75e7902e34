"""Model files, what a model is built into, and the chunks of steps it is given.

A learner knows no protocol. It is handed chunks of steps of one sign, and answers probes.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from wakesleep import files, specs
from wakesleep.capabilities import CAPABILITIES
from wakesleep.data import DATA_SETS
from wakesleep.errors import InputError, choices, listed, nearest
from wakesleep.kinds import KINDS

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from wakesleep.data import DataSet
    from wakesleep.randomness import Streams

MakesNegatives = Callable[[Any, "Tensor", "Tensor"], "tuple[Tensor, Tensor]"]


@dataclass(frozen=True)
class Setting:
    """What a model is built into: the shape of its data, and where it lives.

    Attributes
    ----------
    features, classes
        Number of inputs (pixels) and of classes.
    places
        Places of a window of symbols, each coded one of ``classes``; 0 where cases are images.
    shape
        Height and width of an image, in pixels.
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
    places: int = 0
    shape: tuple[int, int] = (0, 0)

    @classmethod
    def of(cls, its: DataSet, device: torch.device, dtype: torch.dtype, seed: int) -> Setting:
        """Return the setting that a data set makes, with the random streams of a seed."""
        from wakesleep.randomness import Streams

        streams = Streams(seed, device)
        return cls(its.features, its.classes, device, dtype, streams, its.window or 0, its.shape)

    @property
    def image(self) -> tuple[int, int, int]:
        """Rows, columns and channels of an image."""
        height, width = self.shape
        return height, width, self.features // max(1, height * width)


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
        labels; None where the sign is positive, or where the model is to draw its own samples
        (see :class:`wakesleep.capabilities.Samples`).
    separate_states
        Whether the optimiser keeps one state for each sign, or one for both.
    fresh_state
        Whether the optimiser forgets its state before the first of these steps.
    momentum
        Weight of the past in the running mean of gradients; None for the learner's own.
    mode
        What a negative step does: ``negative`` (a plain update), ``centred`` (the stored baseline
        subtracted) or ``measure`` (no change of weights); the last two refresh the baseline.
    subtract_baseline
        Whether positive steps subtract the stored baseline.
    updates_per_batch
        Updates that every step makes on its batch; if more than one, each layer makes them all
        before the next layer's turn.
    layers
        Layers that learn, 1 being the lowest; None for all.
    seen
        What is done to images at every presentation, such as a fresh shift; None for nothing.
    """

    sign: str
    images: Tensor
    labels: Tensor
    index: Tensor
    gains: Sequence[float]
    negatives: MakesNegatives | None = None
    separate_states: bool = False
    fresh_state: bool = False
    momentum: float | None = None
    mode: str = "negative"
    subtract_baseline: bool = False
    updates_per_batch: int = 1
    layers: tuple[int, ...] | None = None
    seen: Callable[[Tensor], Tensor] | None = None

    def take(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return the cases of some indices as they are presented: images and labels."""
        images = self.images[index]
        return images if self.seen is None else self.seen(images), self.labels[index]


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
    data: Annotated[str, specs.OneOf("data set", tuple(DATA_SETS))] = Field(
        description="The data set that the model is made for."
    )
    parameters: dict[str, Any] = Field({}, description="What the kind can be told.")
    offers: Annotated[tuple[str, ...], Field(strict=False)] | None = Field(
        None, description="Capabilities; default all that the kind has."
    )

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, kind: str) -> str:
        if not re.fullmatch(r"[\w./-]+:\w+", kind) and kind not in KINDS:
            raise ValueError(
                f"kind '{kind}' is unknown{choices(kind, KINDS)}, "
                "./file.py:Class, package.module:Class"
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
    document: files.Document

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
    def code(self) -> str:
        """The sha256 of the user's own file that the kind names; empty for any other kind."""
        module = self.spec.kind.partition(":")[0]
        path = (self.document.folder or Path.cwd()) / module
        if not module.endswith(".py") or not path.is_file():
            return ""
        return hashlib.sha256(path.read_bytes()).hexdigest()

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
    spec = specs.validate(ModelSpec, document.tree, document)
    tree = {**spec.parameters, **values}
    if spec.kind not in KINDS:
        return LoadedModel(spec, tree, document)
    checks = imported(KINDS[spec.kind].parameters)
    # First the file by itself, so that an error in it is reported where it stands.
    specs.validate(checks, spec.parameters, document, ("parameters",))
    if values:
        given = files.Document(f"parameters of model '{spec.model}'", "", {}, {})
        for name in values:
            allowed = checks.model_fields
            if name not in allowed:
                raise InputError(
                    f"model '{spec.model}' has no parameter '{name}'"
                    f"{choices(str(name).removeprefix('model.'), allowed)}"
                )
        return LoadedModel(spec, specs.validate(checks, tree, given), document)
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
            meant = "" if capability in CAPABILITIES else nearest(capability, CAPABILITIES)
            return (
                f"model '{model.name}' does not offer '{capability}'{meant}, which is needed by "
                f"{asker}; it offers {listed(model.offers)}"
            ) + (
                "; choose other negatives, or model.top_down=true where the kind knows it"
                if capability == "dream"
                else ""
            )
    return None


def build(model: LoadedModel, setting: Setting) -> Any:
    """Make the learner; a kind of the user's own is imported here and nowhere else.

    Raises
    ------
    InputError
        If the class cannot be imported, lacks what the model file says it offers, or does not fit
        into memory.
    """
    own = model.spec.kind not in KINDS
    made = _own_class(model) if own else imported(KINDS[model.spec.kind].learner)
    try:
        learner = made(model.parameters, setting)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        raise InputError(f"model '{model.name}' does not fit into memory") from None
    for capability in model.offers:
        if not isinstance(learner, CAPABILITIES[capability]):
            raise model.document.error(
                ("offers",),
                f"'{model.spec.kind}' does not have what '{capability}' asks for; see "
                f"{CAPABILITIES[capability].__name__} in wakesleep.capabilities",
            )
    for name in (*getattr(learner, "layer_names", ()), *getattr(learner, "readouts", ())):
        if not re.fullmatch(r"\S+", name):  # they are stored as a list of words
            raise model.document.error(
                ("kind",), f"'{name}' names a layer or read-out; it must be one word without spaces"
            )
    return learner


def imported(target: str) -> Any:
    """Return the object that ``module:name`` stands for."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def _own_class(model: LoadedModel) -> Any:
    """Import ``./file.py:Class`` from beside the model file, or ``package.module:Class``."""
    module, _, name = model.spec.kind.partition(":")
    try:
        if module.endswith(".py"):
            path = (model.document.folder or Path.cwd()) / module
            if not path.is_file():
                raise ImportError(f"there is no file {path}")
            spec = importlib.util.spec_from_file_location(f"wakesleep_own_{path.stem}", path)
            assert spec is not None
            assert spec.loader is not None
            loaded = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = loaded  # dataclasses and pickles look a module up by name
            spec.loader.exec_module(loaded)
        else:
            loaded = importlib.import_module(module)
        made = getattr(loaded, name)
        if not isinstance(made, type):
            raise TypeError(f"'{name}' is not a class")
    except Exception as error:
        # Whatever goes wrong in the user's own code is told, not thrown at them.
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise model.document.error(
            ("kind",),
            f"'{model.spec.kind}' cannot be imported: {type(error).__name__}{line}: {error}",
        ) from error
    return made
