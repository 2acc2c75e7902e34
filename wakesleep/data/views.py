"""How tasks present images: rotated, with permuted pixels, or from another data set.

The tasks of permuted MNIST (Goodfellow et al. 2013, arXiv 1312.6211, section 4) and rotated MNIST
(Lopez-Paz & Ranzato 2017, arXiv 1706.08840, section 5): every task has all classes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class View:
    """How the images of a task are presented.

    Attributes
    ----------
    rotate
        Counterclockwise rotation of every image in degrees. Its empty corners are 0.
    permute
        Seed of the permutation of the pixels, the same for all images; 0 for none.
    data
        Another data set, as named in the file; empty for the data of the run.
    """

    rotate: float = 0.0
    permute: int = 0
    data: str = ""

    def __call__(self, images: Tensor, shape: tuple[int, int]) -> Tensor:
        """Return images (cases, features) as they are presented.

        Parameters
        ----------
        images
            Features are ordered by row, column and channel.
        shape
            Rows and columns.
        """
        seen = rotated(images, shape, self.rotate) if self.rotate else images
        return permuted(seen, shape, self.permute) if self.permute else seen


def rotated(images: Tensor, shape: tuple[int, int], degrees: float) -> Tensor:
    """Return images (cases, features) rotated counterclockwise about their centre.

    Values between pixels are interpolated linearly; quarter turns of square images are exact.
    """
    import torch

    rows, columns = shape
    stack = images.view(len(images), rows, columns, -1)
    turns = degrees / 90
    if turns == round(turns) and (rows == columns or round(turns) % 2 == 0):
        return torch.rot90(stack, round(turns) % 4, (1, 2)).reshape(len(images), -1)
    angle = math.radians(degrees)
    # Where in the original, in pixels from its centre, each place of the turned image lies.
    down = torch.arange(rows, dtype=images.dtype, device=images.device) - (rows - 1) / 2
    right = torch.arange(columns, dtype=images.dtype, device=images.device) - (columns - 1) / 2
    y, x = torch.meshgrid(down, right, indexing="ij")
    from_y = y * math.cos(angle) + x * math.sin(angle)
    from_x = x * math.cos(angle) - y * math.sin(angle)
    # grid_sample has -1 and 1 at the outer edges of the first and last pixel.
    grid = torch.stack([2 * from_x / columns, 2 * from_y / rows], -1)
    turned = torch.nn.functional.grid_sample(
        stack.permute(0, 3, 1, 2),
        grid.expand(len(images), -1, -1, -1),
        padding_mode="zeros",
        align_corners=False,
    )
    return turned.permute(0, 2, 3, 1).reshape(len(images), -1)


def permuted(images: Tensor, shape: tuple[int, int], seed: int) -> Tensor:
    """Return images (cases, features) whose pixels are permuted; the seed sets the permutation."""
    import torch

    pixels = shape[0] * shape[1]
    # On the processor, so that a GPU presents the same tasks.
    order = torch.randperm(pixels, generator=torch.Generator().manual_seed(seed))
    stack = images.view(len(images), pixels, -1)
    return stack[:, order.to(images.device)].reshape(len(images), -1)
