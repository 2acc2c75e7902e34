"""A real image with a label drawn from the network's own label probabilities, right or wrong.

The label alone is dreamt, the image is clamped: where the network is right, its negative data are
its positive data, and the two phases cancel, as in a Boltzmann machine (Hinton 2022, section 5).
For sequences this is teacher forcing: the real context with a symbol that the network predicts.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wakesleep.negatives import Context
from wakesleep.runtime.randomness import drawn_column


def own_label(
    model: Any, images: Tensor, labels: Tensor, context: Context
) -> tuple[Tensor, Tensor]:
    """Return the same images with labels drawn from the network's own probabilities.

    Parameters
    ----------
    model
        Offers ``label_probabilities``.
    images, labels
        Real cases (cases, features) and (cases,); the labels are not used.
    context
        For its random stream.
    """
    return images, drawn_labels(model.label_probabilities(images), context.generator)


def drawn_labels(probabilities: Tensor, generator: torch.Generator) -> Tensor:
    """Return one label (cases,) for each row of probabilities (cases, classes)."""
    # The learner detects a softmax that is not finite; the draw itself must not fail.
    chances = probabilities.nan_to_num().clamp_min(1e-12)
    return drawn_column(chances, generator)
