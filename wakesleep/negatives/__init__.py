"""Sources of negative data, one file each.

A source is a module with one function of its own name,

    source(model, images, labels, classes, generator) -> (images, labels)

which turns a batch of real cases, (cases, features) and (cases,), into negative ones. It may ask
the model for the capability named in :data:`SOURCES`, and draws random numbers from ``generator``
alone.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from wakesleep.model import Negatives


@dataclass(frozen=True)
class Source:
    """Where a source is, and the capability it needs of a model (None for any)."""

    module: str
    needs: str | None


SOURCES: dict[str, Source] = {
    "wrong_label": Source("wakesleep.negatives.wrong_label", needs=None),
    "hard_label": Source("wakesleep.negatives.hard_label", needs="label_probabilities"),
}


def negatives(name: str, classes: int, generator: torch.Generator) -> Negatives:
    """Return ``f(model, images, labels) -> (images, labels)`` bound to a random stream.

    Parameters
    ----------
    name
        A name in :data:`SOURCES`.
    classes
        Number of classes.
    generator
        Where the source draws its random numbers.
    """
    source = getattr(importlib.import_module(SOURCES[name].module), name)
    return lambda model, images, labels: source(model, images, labels, classes, generator)
