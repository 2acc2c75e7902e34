"""Dreams that become more probable: the image climbs the goodness of the first layer.

As contrastive sampling in energy-based models does, with goodness for minus the energy
(Du & Mordatch 2019, arXiv 1903.08689, eq. 2, without its noise). Only the first layer's goodness is
used, so nothing passes back from one layer to another.
"""

from __future__ import annotations

import torch
from torch import Tensor

from wakesleep.learners.forward_forward.layer import block_goodness
from wakesleep.learners.forward_forward.passes import Feedforward

TINY = 1e-12


def climbed(
    network: Feedforward, images: Tensor, labels: Tensor, steps: int, size: float
) -> Tensor:
    """Return images after some steps up the goodness of the first layer.

    Parameters
    ----------
    network
        Its weights do not change.
    images, labels
        Cases (n, features), and the labels that they are shown with (n,).
    steps
        Number of steps.
    size
        Root mean square change of the pixels in one step; pixels stay within 0 to 1.

    Returns
    -------
    Tensor
        Images (n, features).
    """
    for _ in range(steps):
        slope = goodness_slope(network, images, labels)
        step = size / slope.square().mean(1, keepdim=True).sqrt().clamp_min(TINY)
        images = (images + step * slope).clamp(0, 1)
    return images


def goodness_slope(network: Feedforward, images: Tensor, labels: Tensor) -> Tensor:
    """Return the derivative (n, features) of the first layer's goodness by each pixel.

    Parameters
    ----------
    network, images, labels
        See :func:`climbed`.
    """
    first = network.layers[0]
    with torch.inference_mode(False), torch.enable_grad():
        seen = images.clone().requires_grad_()
        inputs = network.label.written(
            network.label.canvas(seen), network.label_table.clone(), labels.clone()
        )
        given = inputs * network.normalise(inputs)
        total = first.connection.drive(given, first.weight.clone(), first.bias.clone())
        goodness = block_goodness(first, network.output(first, total), network.pieces).sum()
        return torch.autograd.grad(goodness, seen)[0].detach()
