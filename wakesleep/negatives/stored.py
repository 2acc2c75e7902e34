"""Real cases that are kept: the first few of every class, as a control of dreams."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wakesleep.negatives import Context
from wakesleep.negatives.dream import asked_classes
from wakesleep.negatives.wrong_label import wrong_label


def stored(model: Any, images: Tensor, labels: Tensor, context: Context) -> tuple[Tensor, Tensor]:
    """Return real cases that are kept, drawn with replacement.

    Parameters
    ----------
    model
        Not used.
    images, labels
        Real cases (cases, features) and (cases,). Only the labels are used, as the classes wanted
        where the context names no others.
    context
        Option ``label``; ``cases`` are those that are kept, in the order of their classes.
    """
    assert context.cases is not None  # given to this source
    every, named = context.cases
    wanted = asked_classes(labels, context)
    # Kept cases are in the order of their classes.
    count = torch.bincount(named, minlength=context.classes)
    first = count.cumsum(0) - count
    drawn = torch.rand(labels.shape, generator=context.generator, device=labels.device)
    found = every[first[wanted] + (drawn * count[wanted]).long()]
    if context.options["label"] == "wrong":
        return wrong_label(model, found, wanted, context)
    return found, wanted
