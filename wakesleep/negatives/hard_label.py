"""A real image with a label that the network itself finds probable, though it is wrong.

The simplest self-generated negative: the network's own one-pass softmax proposes it. Hinton 2022,
section 3.3; drawn as in the author's published program.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from wakesleep.negatives import Context
from wakesleep.runtime.randomness import drawn_column

# Keeps the draw possible where the softmax is certain, and is too small to matter elsewhere.
FLOOR = 1e-12


def hard_label(
    model: Any, images: Tensor, labels: Tensor, context: Context
) -> tuple[Tensor, Tensor]:
    """Return the same images with labels drawn from the softmax without the right class.

    Parameters
    ----------
    model
        Offers ``label_probabilities``.
    images, labels
        Real cases (cases, features) and (cases,).
    context
        For its random stream.
    """
    # The learner detects a softmax that is not finite; the draw itself must not fail.
    chances = model.label_probabilities(images).nan_to_num() + FLOOR
    chances.scatter_(1, labels.unsqueeze(1), 0.0)
    return images, drawn_column(chances, context.generator)
