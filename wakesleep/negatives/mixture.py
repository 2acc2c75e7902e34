"""A mixture: some negative cases are dreams, the others real images with a wrong label."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wakesleep.negatives import Context
from wakesleep.negatives.dream import dream
from wakesleep.negatives.wrong_label import wrong_label


def mixture(model: Any, images: Tensor, labels: Tensor, context: Context) -> tuple[Tensor, Tensor]:
    """Return negative cases of which each is a dream with probability ``dreams``.

    Parameters
    ----------
    model
        Offers ``dream``.
    images, labels
        Real cases (cases, features) and (cases,).
    context
        Options ``dreams`` and those of :func:`wakesleep.negatives.dream.dream`.
    """
    drawn = torch.rand(labels.shape, generator=context.generator, device=labels.device)
    dreamt = drawn < context.options["dreams"]
    seen, named = (its.clone() for its in wrong_label(model, images, labels, context))
    if bool(dreamt.any()):
        dreams, theirs = dream(model, images[dreamt], labels[dreamt], context)
        seen[dreamt], named[dreamt] = dreams.to(seen), theirs
    return seen, named
