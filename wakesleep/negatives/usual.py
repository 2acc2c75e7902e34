"""What the model's kind usually learns against.

Its own samples where it is a model of its data, as a Boltzmann machine is; real images with wrong
labels for all others, such as Forward-Forward.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from wakesleep.negatives import Context
from wakesleep.negatives.wrong_label import wrong_label


def usual(model: Any, images: Tensor, labels: Tensor, context: Context) -> tuple[Tensor, Tensor]:
    """Return as many negative cases as there are real ones.

    Parameters
    ----------
    model
        Asked for its samples if it can draw any (:class:`wakesleep.capabilities.Samples`).
    images, labels
        Real cases (cases, features) and (cases,).
    context
        For the number of classes and the random stream.
    """
    if hasattr(model, "sample"):
        seen: tuple[Tensor, Tensor] = model.sample(images, labels, context.generator)
        return seen
    return wrong_label(model, images, labels, context)
