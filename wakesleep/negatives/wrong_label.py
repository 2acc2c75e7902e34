"""A real image with a wrong label, all wrong labels equally probable."""

from __future__ import annotations

import torch
from torch import Tensor

from wakesleep.negatives import Context


def wrong_label(
    model: object, images: Tensor, labels: Tensor, context: Context
) -> tuple[Tensor, Tensor]:
    """Return the same images with labels drawn uniformly from the wrong ones.

    Parameters
    ----------
    model
        Not used.
    images, labels
        Real cases (cases, features) and (cases,).
    context
        For the number of classes and the random stream.
    """
    shift = torch.randint(
        1, context.classes, labels.shape, generator=context.generator, device=labels.device
    )
    return images, (labels + shift) % context.classes
