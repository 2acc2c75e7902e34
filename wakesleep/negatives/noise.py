"""Random images: negative data that a network distinguishes from real data easily.

Hinton 2022 (arXiv 2212.13345), section 3.2, asks for negative data whose long-range structure alone
is wrong. These have no structure at all, and are a control beside hybrids.
"""

from __future__ import annotations

import torch
from torch import Tensor

from wakesleep.negatives import Context


def noise(model: object, images: Tensor, labels: Tensor, context: Context) -> tuple[Tensor, Tensor]:
    """Return every image with its features in a random order of their own, and its label.

    So each has the grey levels of a real one (of a colour image, the levels of all colours mixed).

    Parameters
    ----------
    model
        Not used.
    images, labels
        Real cases (cases, features) and (cases,).
    context
        For its random stream.
    """
    drawn = torch.rand(images.shape, generator=context.generator, device=images.device)
    return images.gather(1, drawn.argsort(1)), labels
