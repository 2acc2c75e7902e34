"""What a model of its data usually learns against: its own samples.

For a model that cannot draw any, such as a Forward-Forward network, ``usual`` stands for
``wrong_label``, or for ``hybrid`` where the network sees no label (see
:func:`wakesleep.simulation.refusals.meant_by`).
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from wakesleep.negatives import Context


def usual(model: Any, images: Tensor, labels: Tensor, context: Context) -> tuple[Tensor, Tensor]:
    """Return as many samples as there are real cases.

    Parameters
    ----------
    model
        Offers ``sample`` (:class:`wakesleep.learners.capabilities.Samples`).
    images, labels
        Real cases (cases, features) and (cases,).
    context
        For the random stream.
    """
    seen: tuple[Tensor, Tensor] = model.sample(images, labels, context.generator)
    return seen
