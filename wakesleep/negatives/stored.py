"""Real cases that are kept: the first few of every class, as a control of dreams."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wakesleep.errors import RunError
from wakesleep.negatives import Context
from wakesleep.negatives.dream import asked_classes
from wakesleep.negatives.wrong_label import wrong_label


def stored(model: Any, images: Tensor, labels: Tensor, context: Context) -> tuple[Tensor, Tensor]:
    """Return real cases that are kept, drawn with replacement.

    Parameters
    ----------
    model
        Not asked.
    images, labels
        Real cases (cases, features) and (cases,). Only the labels are used, as the classes wanted
        where the context names no others.
    context
        Options ``per_class`` and ``label``; all training cases are in ``cases``.

    Raises
    ------
    RunError
        If no case of a class that is wanted is there.
    """
    assert context.cases is not None  # given to this source
    every, named = context.cases
    wanted = asked_classes(labels, context)
    if "kept" not in context.memory:
        context.memory["kept"] = _first(named, context.classes, context.options["per_class"])
    kept = context.memory["kept"]
    count = kept.ge(0).sum(1)[wanted]
    if bool((count == 0).any()):
        lacking = int(wanted[count == 0][0])
        raise RunError(f"no case of class {lacking} is stored: the training data have none")
    drawn = torch.rand(labels.shape, generator=context.generator, device=labels.device)
    found = every[kept[wanted, (drawn * count).long()]]
    if context.options["label"] == "wrong":
        return wrong_label(model, found, wanted, context)
    return found, wanted


def _first(labels: Tensor, classes: int, count: int) -> Tensor:
    """Return the indices of the first cases of each class (classes, count); -1 where none is."""
    found = torch.full((classes, count), -1, device=labels.device)
    for each in range(classes):
        its = (labels == each).nonzero().squeeze(1)[:count]
        found[each, : len(its)] = its
    return found
