"""One-shot learning: set every layer's goodness to a target value with a single case (eq. 4)."""

from __future__ import annotations

import torch
from torch import Tensor

from wakesleep.errors import InputError
from wakesleep.learners.forward_forward.activation import ACTIVATIONS
from wakesleep.learners.forward_forward.goodness import GOODNESS
from wakesleep.learners.forward_forward.layer import Layer
from wakesleep.learners.forward_forward.network import ForwardForward
from wakesleep.learners.forward_forward.normalisation import NORMALISATIONS
from wakesleep.learners.parts.connections import Dense


def one_shot(network: ForwardForward, image: Tensor, label: int | None, wanted: Tensor) -> None:
    """Change all layers at once so that each has its target sum of squares on one case.

    Hinton 2022, section 7, eq. 4: with an input x of length 1, adding eps y_j x to the weights of
    unit j, where eps = sqrt(S*/S) - 1, multiplies every active unit by 1 + eps. The normalised
    output is unchanged, so no layer has to wait for the one below. Here x may have any length; its
    square is divided out.

    Parameters
    ----------
    network
        A network of rectified linear units whose goodness is the sum of squares.
    image
        (features,).
    label
        The label written into the input, or None for the neutral one.
    wanted
        Target S* of every layer (layers,), in squared activity.

    Raises
    ------
    InputError
        If the network has another goodness or activation, or no normalisation; if the label is no
        class, a wanted value is not positive, or a layer is silent on this case (no factor can
        wake it).
    """
    pieces = network.pieces
    if pieces.activation is not ACTIVATIONS["relu"]:
        raise InputError("one_shot needs rectified linear units (activation: relu)")
    if pieces.goodness is not GOODNESS["sum_of_squares"]:
        raise InputError("one_shot needs goodness: sum_of_squares")
    if not all(isinstance(layer.connection, Dense) for layer in network.layers):
        raise InputError("one_shot is for dense layers, not for receptive fields")
    if network.normalise is NORMALISATIONS["none"]:
        raise InputError("one_shot needs a normalisation, or a layer would change the next")
    if label is not None and not 0 <= label < network.classes:
        raise InputError(f"one_shot: label {label} is not one of 0 to {network.classes - 1}")
    features = len(network.receptive_fields()[0])
    if image.shape != (features,):
        raise InputError(
            f"one_shot: the network sees images of {features} pixels, not of shape "
            f"{tuple(image.shape)}"
        )
    if wanted.shape != (len(network.layers),) or not bool((wanted > 0).all()):
        raise InputError(f"one_shot needs {len(network.layers)} positive wanted sums of squares")
    labels = torch.tensor([network.classes if label is None else label], device=image.device)
    done = network.forward(*network.first_product(image.unsqueeze(0)), labels)
    squares = [pieces.goodness.value(y) for y in done.activities]
    for depth, square in enumerate(squares):
        if not float(square) > 0:
            raise InputError(f"one_shot: layer {network.layer_names[depth]} is silent on this case")
    for layer, below, y, square, its in zip(
        network.layers, done.inputs, done.activities, squares, wanted, strict=True
    ):
        rescale(layer, below, y, (its / square).sqrt() - 1)


def rescale(layer: Layer, below: Tensor, y: Tensor, epsilon: Tensor) -> None:
    """Multiply all active units by 1 + epsilon on one case: below (1, inputs), y (1, units).

    z grows by epsilon y only through the weights: the bias stays, whatever its share in z was. The
    squared length of the input is divided out.
    """
    layer.weight += epsilon * y.T @ below / below.square().sum()
