"""Two real images under a mask of blurred random bits: the hand-made control beside dreams.

Hinton 2022 (arXiv 2212.13345), section 3.2: a hybrid has the short-range correlations of real
images and none of their long-range ones.
"""

from __future__ import annotations

import torch
from torch import Tensor

from wakesleep.negatives import Context
from wakesleep.runtime.randomness import drawn_column


def hybrid(
    model: object, images: Tensor, labels: Tensor, context: Context
) -> tuple[Tensor, Tensor]:
    """Return ``a * mask + b * (1 - mask)`` for every image a of the batch and another one, b.

    Parameters
    ----------
    model
        Not used.
    images, labels
        Real cases (cases, features) and (cases,); a batch of one is mixed with itself.
    context
        Options ``blurs`` (times the random bits are blurred by [1/4 1/2 1/4] in both directions,
        edges reflected, before the cut at 0.5) and ``label`` (``first``: that of a; ``wrong``: a
        random one that is neither a's nor b's, or not a's where there are only two classes).
    """
    generator, cases = context.generator, len(images)
    # Every image is mixed with the one a random shift further on; no value leaves the device.
    shift = torch.randint(1, max(2, cases), (1,), generator=generator, device=images.device)
    partner = (torch.arange(cases, device=images.device) + shift) % cases
    others = images[partner]
    colours = images.shape[1] // (context.shape[0] * context.shape[1])
    mask = masks(cases, context.shape, int(context.options["blurs"]), images, generator, colours)
    mixed = torch.where(mask, images, others)
    if context.options["label"] == "first":
        return mixed, labels
    chances = torch.ones(cases, context.classes, dtype=images.dtype, device=images.device)
    if context.classes > 2:
        chances.scatter_(1, labels[partner].unsqueeze(1), 0.0)
    chances.scatter_(1, labels.unsqueeze(1), 0.0)
    return mixed, drawn_column(chances, generator)


def masks(
    cases: int,
    shape: tuple[int, int],
    blurs: int,
    like: Tensor,
    generator: torch.Generator,
    colours: int = 1,
) -> Tensor:
    """Return masks (cases, features) of booleans with large regions of ones and of zeros.

    Parameters
    ----------
    cases, shape
        Number of masks, and height and width of each.
    blurs
        Times the bits are blurred.
    like
        For device and floating-point type.
    generator
        Random stream.
    colours
        Features of a pixel.
    """
    bits = torch.randint(
        0, 2, (cases, 1, *shape), generator=generator, device=like.device, dtype=torch.int64
    ).to(like.dtype)
    kernel = like.new_full((3,), 0.25)
    kernel.narrow(0, 1, 1).fill_(0.5)
    for _ in range(blurs):
        for form, edge in (((1, 1, 3, 1), (0, 0, 1, 1)), ((1, 1, 1, 3), (1, 1, 0, 0))):
            # An image one pixel wide has nothing beside it to blur with.
            if shape[0 if form[2] == 3 else 1] > 1:
                padded = torch.nn.functional.pad(bits, edge, mode="reflect")
                bits = torch.nn.functional.conv2d(padded, kernel.view(form))
    grey = bits.flatten(1)
    mask = grey > 0.5
    # On a small image many blurs leave some masks all of one kind; these are cut at their own mean.
    share = mask.to(like.dtype).mean(1, keepdim=True)
    mask = torch.where((share == 0) | (share == 1), grey > grey.mean(1, keepdim=True), mask)
    return mask.repeat_interleave(colours, dim=1)  # alike in all colours
