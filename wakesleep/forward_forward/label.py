"""Where a label enters the input: in the first pixels, or in input units of its own.

Either way the first ``classes`` inputs hold the label, and the rest hold the image.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

PLACES = ("first_pixels", "extra_units")


@dataclass(frozen=True)
class LabelInput:
    """How labels are written beside or over images.

    Attributes
    ----------
    place
        ``first_pixels`` overwrites the first ``classes`` pixels (on MNIST these are a blank
        border); ``extra_units`` adds that many inputs in front.
    classes
        Number of classes.
    strength
        Value of the one input that names the label.
    neutral
        Value of every label input where no label is given (the neutral pass).
    """

    place: str
    classes: int
    strength: float
    neutral: float

    def inputs(self, features: int) -> int:
        """Return the number of inputs for images of so many pixels."""
        return features + (self.classes if self.place == "extra_units" else 0)

    def canvas(self, images: Tensor) -> Tensor:
        """Return images (n, features) as inputs (n, inputs) whose label part is still zero."""
        if self.place == "extra_units":
            return torch.nn.functional.pad(images, (self.classes, 0))
        blank = images.clone()
        blank[:, : self.classes] = 0.0
        return blank

    def written(self, canvas: Tensor, labels: Tensor | None) -> Tensor:
        """Return the canvas with labels (n,) written in, or with the neutral label for None."""
        inputs = canvas.clone()
        if labels is None:
            inputs[:, : self.classes] = self.neutral
        else:
            inputs.scatter_(1, labels.unsqueeze(1), self.strength)
        return inputs

    def drive(self, weight: Tensor, labels: Tensor | None) -> Tensor:
        """Return what the label alone adds to each unit's total input.

        Parameters
        ----------
        weight
            First-layer weights (units, inputs).
        labels
            (n,), or None for the neutral label.

        Returns
        -------
        Tensor
            (n, units), or (1, units) for the neutral label.
        """
        if labels is None:
            return self.neutral * weight[:, : self.classes].sum(1).unsqueeze(0)
        return self.strength * weight[:, : self.classes].T[labels]
