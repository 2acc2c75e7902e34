"""A real image with a wrong label, all wrong labels equally probable."""

from __future__ import annotations

import torch
from torch import Tensor


def wrong_label(
    model: object, images: Tensor, labels: Tensor, classes: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return the same images with labels drawn uniformly from the wrong ones.

    Parameters
    ----------
    model
        Not asked.
    images, labels
        Real cases (cases, features) and (cases,).
    classes
        Number of classes.
    generator
        Random stream.
    """
    shift = torch.randint(1, classes, labels.shape, generator=generator, device=labels.device)
    return images, (labels + shift) % classes
