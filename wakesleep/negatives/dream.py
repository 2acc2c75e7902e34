"""Dreams: the network runs from the top down, and what reaches its input is the negative case.

Hinton 2022 (arXiv 2212.13345), section 6.2: the generative model learns no features of its own.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wakesleep.errors import InputError
from wakesleep.learners.capabilities import DreamSettings
from wakesleep.negatives import Context
from wakesleep.negatives.own_label import drawn_labels
from wakesleep.negatives.wrong_label import wrong_label
from wakesleep.runtime.randomness import drawn_column


def dream(model: Any, images: Tensor, labels: Tensor, context: Context) -> tuple[Tensor, Tensor]:
    """Return as many dreams as there are real cases.

    Parameters
    ----------
    model
        Offers ``dream`` (:class:`wakesleep.learners.capabilities.Dreams`).
    images, labels
        Real cases (cases, features) and (cases,). Only the labels are used, as the classes to
        be dreamt of where dreams start from labels and the context names no others.
    context
        Options ``start``, ``settle``, ``spread``, ``noise``, ``label``, ``ascent`` and
        ``ascent_size``.
    """
    options = context.options
    seen, told = _dreamt(model, labels, context)
    if options["ascent"]:
        seen = model.climb_goodness(seen, told, options["ascent"], options["ascent_size"])
    return seen, told


def _dreamt(model: Any, labels: Tensor, context: Context) -> tuple[Tensor, Tensor]:
    """Return dreams and their labels."""
    options = context.options
    how = DreamSettings(options["start"], options["settle"], options["spread"], options["noise"])
    labels = asked_classes(labels, context)
    seen, dreamt = model.dream(labels, how, context.generator)
    if options["label"] == "start":
        return seen, labels
    if options["label"] == "second_choice":
        return seen, _second_choice(model.label_probabilities(seen), context)
    if options["label"] == "own":
        return seen, drawn_labels(model.label_probabilities(seen), context.generator)
    if options["label"] == "wrong":
        # Any label except the one of the image, all equally probable.
        return wrong_label(model, seen, drawn_labels(dreamt, context.generator), context)
    return seen, drawn_labels(dreamt, context.generator)


def check_dreams(model: Any, noise: float = 0.0, start: str = "label", ascent: int = 0) -> None:
    """Refuse dreams of a kind that a model cannot make.

    Raises
    ------
    InputError
        If they need noise or start from mixtures, and the model has no top-down path that learned
        awake; or if they climb the goodness, and the model does not offer this.
    """
    path = getattr(model, "generator", None)  # a Boltzmann machine has a random stream there
    if (noise or start == "mixed") and not hasattr(path, "maps"):
        option = "'noise'" if noise else "the start 'mixed'"
        raise InputError(
            f"dreams have {option} in networks of kind forward_forward and backprop alone"
        )
    if ascent and not hasattr(model, "climb_goodness"):
        raise InputError(
            "dreams have 'ascent' in networks of kind forward_forward without recurrence alone"
        )


def _second_choice(probabilities: Tensor, context: Context) -> Tensor:
    """Return labels (cases,) drawn from a network's label probabilities, without the largest.

    The most probable label is the one that it should learn as real; the other labels are its
    possible mistakes. No label from outside is used.
    """
    first = probabilities.argmax(1, keepdim=True)
    others = probabilities.nan_to_num().clamp_min(1e-12).scatter(1, first, 0.0)
    return drawn_column(others, context.generator)


def asked_classes(labels: Tensor, context: Context) -> Tensor:
    """Return the classes (cases,) wanted: drawn from those the context names, or as given."""
    if context.dream_of is None:
        return labels
    among = torch.tensor(context.dream_of, device=labels.device)
    drawn = torch.randint(
        len(among), labels.shape, generator=context.generator, device=labels.device
    )
    return among[drawn]
