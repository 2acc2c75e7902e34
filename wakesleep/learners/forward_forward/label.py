"""Where a label enters the input: in the first pixels, in input units of its own, or nowhere.

In the first two cases the first ``classes`` inputs hold the label, and the rest hold the image. The
label ``classes``, one beyond the last, is the neutral one.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class LabelInput:
    """How labels are written beside or over images.

    Attributes
    ----------
    place
        ``first_pixels`` overwrites the first ``classes`` pixels (on MNIST these are a blank
        border); ``extra_units`` adds that many inputs in front; ``none`` writes no label.
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
        if self.place == "none":
            return images
        if self.place == "extra_units":
            return torch.nn.functional.pad(images, (self.classes, 0))
        blank = images.clone()
        blank[:, : self.classes] = 0.0
        return blank

    def table(self, like: Tensor) -> Tensor:
        """Return what the label inputs hold (classes + 1, classes); the last row is neutral."""
        one_of_many = self.strength * torch.eye(self.classes, dtype=like.dtype, device=like.device)
        return torch.cat((one_of_many, torch.full_like(one_of_many[:1], self.neutral)))

    def written(self, canvas: Tensor, table: Tensor, labels: Tensor) -> Tensor:
        """Return inputs (n, inputs) with labels (n,) written by what :meth:`table` made.

        Where there are more labels than rows of the canvas, these come again and again.
        """
        inputs = canvas.repeat(len(labels) // len(canvas), 1)
        if self.place != "none":
            inputs[:, : self.classes] = table[labels]
        return inputs

    def images(self, rest: Tensor) -> Tensor:
        """Return images (n, features) for all inputs but the label's (n, inputs - classes)."""
        if self.place != "first_pixels":
            return rest
        return torch.nn.functional.pad(rest, (self.classes, 0))
