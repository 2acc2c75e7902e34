"""Builds the parts of a network from its parameters: pieces, untrained layers, a softmax."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from wakesleep.errors import InputError
from wakesleep.learners.chunks import Setting
from wakesleep.learners.forward_forward.common import Common
from wakesleep.learners.forward_forward.layer import Layer, Pieces
from wakesleep.learners.forward_forward.own import activation, goodness
from wakesleep.learners.parts.connections import Connection
from wakesleep.learners.parts.plasticity import Adam, Momentum
from wakesleep.learners.parts.readout import SoftmaxReadout
from wakesleep.learners.parts.receptive_fields import LocalLayer


def pieces(p: Common) -> Pieces:
    """Return the interchangeable parts that parameters name."""
    return Pieces(
        activation=activation(p.activation),
        goodness=goodness(p.goodness),
        plasticity=(
            Momentum(p.rate, p.momentum, p.decay)
            if p.plasticity == "momentum"
            else Adam(p.rate, p.beta1, p.beta2, p.epsilon, p.decay)
        ),
        threshold=p.threshold,
        temperature=p.temperature,
        peer=p.peer,
        peer_momentum=p.peer_momentum,
        skip_below=p.skip_below or 0.0,
    )


def start(p: Common, connections: list[Connection], setting: Setting) -> list[Layer]:
    """Return untrained layers.

    Raises
    ------
    InputError
        If a layer cannot be cut into so many blocks.
    """
    generator = setting.streams("weights")
    like = torch.zeros((), device=setting.device, dtype=setting.dtype)
    layers = []
    for number, (its, wires) in enumerate(zip(p.layers, connections, strict=True), 1):
        blocks = p.blocks
        if blocks == "places":
            blocks = wires.units // its.channels if isinstance(its, LocalLayer) else 1
        if wires.units % blocks:
            raise InputError(
                f"blocks: {blocks} do not divide layer {number}, of {wires.units} units"
            )
        layers.append(
            Layer(
                connection=wires,
                blocks=blocks,
                # Variance 1/fan-in: with inputs of mean square 1, total inputs have variance 1.
                weight=wires.start(generator, like),
                bias=like.new_zeros(wires.units),
                peer_mean=like.new_full((wires.units,), p.peer_start),
            )
        )
    return layers


def softmax_readout(p: Common, layers: Sequence[Layer], classes: int) -> SoftmaxReadout:
    """Return the softmax that reads labels from the voting layers."""
    return SoftmaxReadout(
        sum(layers[depth].units for depth in p.voting),
        classes,
        Momentum(p.readout_rate, p.readout_momentum, p.readout_decay),
        layers[0].bias,
    )
