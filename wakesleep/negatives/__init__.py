"""Sources of negative data, one file each.

A source is a module with one function of its own name,

    source(model, images, labels, context) -> (images, labels)

which turns a batch of real cases, (cases, features) and (cases,), into negative ones. It may ask
the model for the capability named in :data:`SOURCES`, and draws random numbers from
``context.generator`` alone. A user-defined source is such a function in another module. Its
properties, which :data:`SOURCES` holds for the others, are attributes (``mine.options = {...}``).

In: a model, a batch, and a context. Out: a negative batch. Must not import ``protocols``,
``simulation`` or any family of ``learners``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wakesleep.errors import InputError, RunError
from wakesleep.files import references
from wakesleep.files.inputs import Input, chosen, options_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Source:
    """The module and the properties of a source.

    Attributes
    ----------
    module
        The module of its function.
    needs
        The capability that a model must have (None for any model).
    options
        The options that a protocol can set, beside ``source``.
    dreams
        Whether the network makes up the whole case, as in a dream, or only its label.
    sequences
        Whether it can only be used with windows of a sequence.
    own
        Whether a learner that can draw samples makes the negative cases itself.
    labels_only
        Whether negative cases differ from real ones by their label alone.
    steady
        Whether every call runs the same operations, keeps no state and reads no values back: such
        calls can be captured on a GPU and replayed.
    real
        Whether its cases are real training cases, which replay can learn as such.
    """

    module: str
    needs: str | None = None
    options: Mapping[str, Input] = field(default_factory=dict)
    dreams: bool = False
    sequences: bool = False
    own: bool = False
    labels_only: bool = False
    steady: bool = False
    real: bool = False


# Options of dreams.
DREAM: dict[str, Input] = {
    "start": Input(
        default="label",
        choices=("label", "last_waking", "noise", "stored", "mixed"),
        description="Start of the top layer; 'mixed' only for forward_forward and backprop.",
    ),
    "settle": Input(default=2, minimum=0, maximum=10_000, description="Passes up and down."),
    "spread": Input(default=1.0, minimum=0.0, description="Size of the noise on the top layer."),
    "noise": Input(
        default=0.0,
        minimum=0.0,
        description=(
            "Size of the noise at every layer below and on the image, in standard deviations of "
            "the errors of the top-down predictions awake (forward_forward, backprop)."
        ),
    ),
    "ascent": Input(
        default=0,
        minimum=0,
        maximum=10_000,
        description=(
            "Number of steps in which the image then climbs the goodness of the first layer, with "
            "the label of the dream (forward_forward without recurrence)."
        ),
    ),
    "ascent_size": Input(
        default=0.05,
        minimum=0.0,
        maximum=1.0,
        description="Root mean square change of the pixels in one of these steps.",
    ),
    "label": Input(
        default="wrong",
        choices=("dreamt", "start", "own", "wrong", "second_choice"),
        description=(
            "The dream's label: dreamt (from the activity of the label inputs), start (the label "
            "it started from), own (drawn from the network's label probabilities for the image), "
            "wrong (any label except the dreamt one), or second_choice (as own, without the most "
            "probable label)."
        ),
    ),
}

SOURCES: dict[str, Source] = {
    "usual": Source("wakesleep.negatives.usual", own=True),
    "wrong_label": Source("wakesleep.negatives.wrong_label", labels_only=True, steady=True),
    "hard_label": Source(
        "wakesleep.negatives.hard_label",
        needs="label_probabilities",
        labels_only=True,
        steady=True,
    ),
    "own_label": Source(
        "wakesleep.negatives.own_label",
        needs="label_probabilities",
        labels_only=True,
        steady=True,
    ),
    "hybrid": Source(
        "wakesleep.negatives.hybrid",
        steady=True,
        options={
            "blurs": Input(
                default=6,
                minimum=0,
                maximum=1000,
                description=(
                    "Number of times that the random bits are blurred. 6 is good for 28x28 pixels. "
                    "For 8x8 pixels 1 is good; with 6, one hybrid in twenty is an unmixed image."
                ),
            ),
            "label": Input(
                default="first",
                choices=("first", "wrong"),
                description="The label of one of the two images, or one that neither has.",
            ),
        },
    ),
    "noise": Source("wakesleep.negatives.noise", steady=True),
    "dream": Source(
        "wakesleep.negatives.dream",
        needs="dream",
        options=DREAM,
        dreams=True,
    ),
    "mixture": Source(
        "wakesleep.negatives.mixture",
        needs="dream",
        options={
            "dreams": Input(default=0.5, minimum=0.0, maximum=1.0, description="Share of dreams."),
            **DREAM,
        },
        dreams=True,
    ),
    "stored": Source(
        "wakesleep.negatives.stored",
        real=True,
        options={
            "per_class": Input(
                default=10, minimum=1, maximum=1_000_000, description="Cases kept of each class."
            ),
            "label": Input(
                default="wrong",
                choices=("wrong", "own"),
                description="A wrong label, or (in replay) the case's own.",
            ),
        },
    ),
    "rollout": Source(
        "wakesleep.negatives.rollout",
        needs="label_probabilities",
        options={
            "length": Input(
                default=100,
                minimum=1,
                maximum=100_000,
                description="Symbols in every dreamt string.",
            ),
        },
        dreams=True,
        sequences=True,
    ),
}


@dataclass
class Context:
    """The values that a source may use beside the model and the batch.

    Attributes
    ----------
    classes
        Number of classes.
    shape
        Height and width of an image.
    generator
        Random stream.
    options
        The value of every option of the source.
    memory
        Tensors that are kept between calls; empty at the start of every phase.
    dream_of
        The classes to dream of; None for those of the batch.
    cases
        Images and labels of training cases that are kept, in the order of their classes; for a
        source of stored cases alone.
    """

    classes: int
    shape: tuple[int, int]
    generator: torch.Generator
    options: Mapping[str, Any] = field(default_factory=dict)
    memory: dict[str, Tensor] = field(default_factory=dict)
    dream_of: tuple[int, ...] | None = None
    cases: tuple[Tensor, Tensor] | None = None


@dataclass(frozen=True)
class BoundSource:
    """A source with its context: called as ``f(model, images, labels) -> (images, labels)``."""

    function: Callable[..., tuple[Tensor, Tensor]]
    context: Context
    steady: bool = False

    def __call__(self, model: Any, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return negative images and labels for a batch of real ones."""
        return self.function(model, images, labels, self.context)


def stated(name: str) -> Source:
    """Return the description of a source without importing the user's code."""
    return SOURCES.get(name, Source(""))


def source(name: str) -> Source:
    """Return the description of a source; user-defined code is imported.

    Raises
    ------
    InputError
        If the code cannot be imported, or is not a function.
    """
    if name in SOURCES:
        return SOURCES[name]
    function = _own(name)
    return Source(
        module=name,
        needs=getattr(function, "needs", None),
        options=options_of(function, f"negative data '{name}'"),
        dreams=bool(getattr(function, "dreams", False)),
        sequences=bool(getattr(function, "sequences", False)),
        labels_only=bool(getattr(function, "labels_only", False)),
    )


def _own(name: str) -> Any:
    function = references.own(references.installed("negatives").get(name, name), "negative data")
    if not callable(function):
        raise InputError(f"negative data '{name}' is not a function")
    return function


def bind(name: str, context: Context) -> BoundSource:
    """Return the source of that name, bound to a context; options not given have their defaults.

    Raises
    ------
    InputError
        If it is code of the user's that cannot be imported, or an option does not fit.
    """
    its = source(name)
    if name not in SOURCES:
        context.options = chosen(its.options, context.options, f"negative data '{name}'")
        return BoundSource(_checked(name, _own(name)), context)
    context.options = {
        **{option: allowed.default for option, allowed in its.options.items()},
        **context.options,
    }
    return BoundSource(getattr(importlib.import_module(its.module), name), context, its.steady)


def _checked(name: str, function: Any) -> Callable[..., tuple[Tensor, Tensor]]:
    """Return the user's source with checks: its errors are reported in one sentence."""

    def source(
        model: Any, images: Tensor, labels: Tensor, context: Context
    ) -> tuple[Tensor, Tensor]:
        try:
            # Copies: what it changes in place would change the real cases of probes.
            found = function(model, images.clone(), labels.clone(), context)
        except Exception as error:
            raise RunError(
                f"negative data '{name}' raise {type(error).__name__}: {error}"
            ) from error
        if not isinstance(found, tuple | list) or len(found) != 2:
            raise RunError(f"negative data '{name}' must return images and labels")
        for what, its, like in zip(("images", "labels"), found, (images, labels), strict=True):
            if getattr(its, "shape", None) != like.shape:
                shape = tuple(getattr(its, "shape", ())) or type(its).__name__
                raise RunError(
                    f"negative data '{name}' return {what} of shape {shape}; "
                    f"expected {tuple(like.shape)}"
                )
        seen, named = found
        # A check of every batch would make a GPU wait.
        if named.device.type == "cpu" and bool(((named < 0) | (named >= context.classes)).any()):
            raise RunError(
                f"negative data '{name}' return labels outside of 0 to {context.classes - 1}"
            )
        return seen.to(images), named.to(labels)

    return source
