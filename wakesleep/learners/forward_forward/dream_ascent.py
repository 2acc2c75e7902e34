"""Ascent of dreams: the image is changed so that the goodness of the first layer increases.

This is like sampling of energy-based models with goodness as minus the energy (Du & Mordatch 2019,
arXiv 1903.08689, eq. 2), but without noise and with steps of a fixed size. Only the first layer's
goodness is used, so nothing passes back from one layer to another.
"""

from __future__ import annotations

from torch import Tensor

from wakesleep.learners.forward_forward.normalisation import BACK
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
    first, pieces = network.layers[0], network.pieces
    inputs = network.label.written(network.label.canvas(images), network.label_table, labels)
    factor = network.normalise(inputs)
    total = first.connection.drive(inputs * factor, first.weight, first.bias)
    y = pieces.activation.value(total)
    by_block = y.view(len(y), first.blocks, -1)
    slope = 2 * pieces.goodness.half_slope(by_block).view_as(y) * pieces.activation.slope(total)
    back = slope @ first.connection.as_dense(first.weight)
    by_input = BACK[network.normalise](inputs, factor, back)
    if network.label.place == "extra_units":
        return by_input[:, network.classes :]
    if network.label.place == "first_pixels":  # these show the label, and never change
        by_input[:, : network.classes] = 0
    return by_input
