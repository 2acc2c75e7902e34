"""Negative images whose two halves come from different real ones."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def swapped_halves(
    model: Any, images: Tensor, labels: Tensor, context: Any
) -> tuple[Tensor, Tensor]:
    """Return images with the lower half of the next one in the batch, and a wrong label."""
    half = images.shape[1] // 2
    mixed = torch.cat((images[:, :half], images.roll(1, 0)[:, half:]), dim=1)
    shift = torch.randint(
        1, context.classes, labels.shape, generator=context.generator, device=labels.device
    )
    return mixed, (labels + shift) % context.classes
