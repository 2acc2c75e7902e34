"""Images shifted by a few random pixels, which are drawn again at every presentation."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Jitter:
    """Shifts every image of a batch by its own random number of pixels; uncovered pixels are 0.

    Hinton 2022 (arXiv 2212.13345), section 3.3: up to two pixels in each direction, 25 shifts.

    Attributes
    ----------
    shape
        Rows and columns of an image.
    reach
        Largest shift in pixels, in each direction.
    generator
        Random stream, on the images' device.
    """

    shape: tuple[int, int]
    reach: int
    generator: torch.Generator

    def __call__(self, images: Tensor) -> Tensor:
        """Return shifted images (n, features), features ordered by row, column and channel."""
        wide = (len(images), 2)
        kind = {"generator": self.generator, "device": images.device}
        by = torch.randint(-self.reach, self.reach + 1, wide, **kind)  # type: ignore[call-overload]
        return shifted(images, self.shape, by, self.reach)


def shifted(images: Tensor, shape: tuple[int, int], by: Tensor, reach: int) -> Tensor:
    """Return images (n, features) moved down and right by so many pixels (n, 2).

    Parameters
    ----------
    images
        Features are ordered by row, column and channel.
    shape
        Rows and columns.
    by
        Whole numbers from -reach to reach.
    reach
        Largest size of a shift.
    """
    rows, columns = shape
    channels = images.shape[1] // (rows * columns)
    framed = torch.nn.functional.pad(
        images.view(-1, rows, columns, channels), (0, 0, reach, reach, reach, reach)
    )
    width = columns + 2 * reach
    places = torch.arange(rows, device=images.device).unsqueeze(1) * width
    places = (places + torch.arange(columns, device=images.device)).flatten()
    corner = (reach - by[:, 0]) * width + reach - by[:, 1]
    index = (corner.unsqueeze(1) + places).unsqueeze(2).expand(-1, -1, channels)
    return framed.flatten(1, 2).gather(1, index).flatten(1)
