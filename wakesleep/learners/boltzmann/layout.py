"""The order of a machine's units: pixels, label units, hidden units."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from wakesleep.errors import InputError
from wakesleep.runtime.randomness import drawn_column


@dataclass(frozen=True)
class Layout:
    """How many units a machine has of each kind.

    Attributes
    ----------
    pixels
        Visible units that hold an image, one each.
    labels
        Visible units that hold a label, of which exactly one is on; 0 where there are none.
    hidden
        Width of each hidden layer.
    """

    pixels: int
    labels: int
    hidden: tuple[int, ...]

    @property
    def visible(self) -> int:
        """Number of visible units."""
        return self.pixels + self.labels

    @property
    def units(self) -> int:
        """Number of all units."""
        return self.visible + sum(self.hidden)

    @property
    def log_states(self) -> float:
        """Log of the number of states of the visible units."""
        return self.pixels * math.log(2) + math.log(max(self.labels, 1))

    def clamped(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the states of the visible units (n, visible) for images and labels (n,)."""
        if not self.labels:
            return images
        return torch.cat([images, one_hot(labels, self.labels).to(images.dtype)], dim=1)

    def labelled(self, images: Tensor) -> Iterator[Tensor]:
        """Yield the states of the visible units for images with each label, one after another."""
        for label in torch.arange(self.labels, device=images.device):
            yield self.clamped(images, label.expand(len(images)))

    def seen(self, visible: Tensor) -> tuple[Tensor, Tensor]:
        """Return images (n, pixels) and labels (n,) from visible units; 0 without label units."""
        if not self.labels:
            return visible, torch.zeros(len(visible), dtype=torch.long, device=visible.device)
        return visible[:, : self.pixels], visible[:, self.pixels : self.visible].argmax(1)

    def draw(self, drive: Tensor, generator: torch.Generator) -> Tensor:
        """Draw visible units (n, visible) from their total inputs; one label of all is on."""
        p = torch.sigmoid(drive[:, : self.pixels])
        drawn = bits(p, generator)
        if not self.labels:
            return drawn
        return torch.cat([drawn, one_of(drive[:, self.pixels :], generator)], dim=1)

    def drawn(self, p: Tensor, generator: torch.Generator) -> Tensor:
        """Draw visible units (n, visible) from their probabilities; one label of all is on."""
        images = bits(p[:, : self.pixels], generator)
        if not self.labels:
            return images
        p = p[:, self.pixels :].nan_to_num() + torch.finfo(p.dtype).tiny
        labels = drawn_column(p, generator)
        return self.clamped(images, labels)

    def random(self, count: int, like: Tensor, generator: torch.Generator) -> Tensor:
        """Draw visible units (count, visible), all images and labels equally probable."""
        return self.draw(like.new_zeros(count, self.visible), generator)


def bits(p: Tensor, generator: torch.Generator) -> Tensor:
    """Draw 0 or 1 with these probabilities of a 1."""
    drawn = torch.rand(p.shape, generator=generator, dtype=p.dtype, device=p.device)
    return torch.lt(drawn, p, out=drawn)


def one_of(drive: Tensor, generator: torch.Generator) -> Tensor:
    """Draw rows with a single 1 from the softmax of their total inputs (n, labels)."""
    # If weights are not finite, the draw must not fail before they are checked.
    p = drive.nan_to_num(0.0, 1e4, -1e4).softmax(1)
    drawn = drawn_column(p, generator)
    return one_hot(drawn, drive.shape[1]).to(drive.dtype)


def check_holdable(images: Tensor, binarise: str) -> None:
    """Refuse images that binary units can neither hold nor be drawn from.

    Raises
    ------
    InputError
        If they are grey and taken as they are, or have values outside 0 to 1.
    """
    if binarise == "none":
        check_binary(images)
    elif bool(((images < 0) | (images > 1)).any()):
        raise InputError(
            "binary units are drawn from values of 0 to 1; these data have others (scale: minmax)"
        )


def check_binary(images: Tensor) -> None:
    """Refuse grey images.

    Raises
    ------
    InputError
        If there are values other than 0 and 1.
    """
    if bool(((images != 0) & (images != 1)).any()):
        raise InputError(
            "the machine's units are 0 or 1, and these data hold other values; "
            "use binarise: stochastic, or a binary data set"
        )
