"""The equations of a spiking network in torch, presentation by presentation.

The same as :mod:`wakesleep.learners.spiking.brian`, time step by time step, so that each can be
tested against the other. Presentations that change no weight are independent of one another: here
any number of them run in parallel, which probes and dreams use.

In every time step, in this order: membranes and traces decay; neurons above 1 fire; their spikes
reach the next layer; neurons that fired lose 1. A spike of layer l arrives with the amplitude
1 / sqrt(1 + G_l), where G_l is the layer's goodness so far. This is inhibition by the pool, which
replaces Forward-Forward's normalisation. Spikes of inputs arrive with amplitude 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from wakesleep.learners.spiking.parameters import Parameters


@dataclass
class Weights:
    """All that a network learns.

    Attributes
    ----------
    forward
        Weights (below, neurons) to each layer; below the first are pixels, then labels.
    down
        Maps (neurons, below) from each layer to the one below; empty without a top-down path.
    bias
        Their biases (below,).
    memory
        Mean response of the top layer to each label (classes, neurons).
    """

    forward: list[Tensor]
    down: list[Tensor] = field(default_factory=list)
    bias: list[Tensor] = field(default_factory=list)
    memory: Tensor | None = None


@dataclass(frozen=True)
class Seen:
    """The results of a presentation.

    Attributes
    ----------
    counts
        Spikes of each layer (cases, neurons).
    goodness
        Mean squared count of each layer (layers, cases).
    eligibility
        Of each layer's weights (below, neurons): the presynaptic trace summed over postsynaptic
        spikes; of a single presentation, and only if asked for.
    spikes
        Each layer's spikes (steps, cases, neurons), only if asked for.
    """

    counts: list[Tensor]
    goodness: Tensor
    eligibility: list[Tensor]
    spikes: list[Tensor]


def present(
    p: Parameters,
    forward: list[Tensor],
    raster: Tensor,
    drive: Tensor | None = None,
    *,
    eligible: bool = False,
    keep: bool = False,
) -> Seen:
    """Present cases, side by side, and change nothing.

    Parameters
    ----------
    p
        Time constants.
    forward
        Weights (below, neurons) to each layer.
    raster
        Spikes of the inputs (steps, cases, inputs).
    drive
        The input that they give to the first layer (steps, cases, neurons), if it is known.
    eligible
        Whether to compute the eligibility of weights (for a single case).
    keep
        Whether to return every spike.
    """
    leak, fade = math.exp(-p.dt / p.tau), math.exp(-p.dt / p.trace)
    if drive is None:
        drive = raster @ forward[0]
    cases = drive.shape[1]
    v = [drive.new_zeros(cases, its.shape[1]) for its in forward]
    fired = [torch.empty_like(its) for its in v]
    counts = [torch.zeros_like(its) for its in v]
    good = [drive.new_zeros(cases, 1) for _ in v[:-1]]  # of layers below another one
    trace = [drive.new_zeros(cases, its.shape[0]) for its in forward] if eligible else []
    eligibility = [torch.zeros_like(its) for its in forward] if eligible else []
    kept: list[list[Tensor]] = [[] for _ in v]
    for step in range(drive.shape[0]):
        for layer, potential in enumerate(v):
            potential.mul_(leak)
            torch.gt(potential, 1, out=fired[layer])  # as numbers; ten times as fast as a cast
            if keep:
                kept[layer].append(fired[layer].clone())
        if eligible:
            for layer, its in enumerate(trace):
                its.mul_(fade)
                eligibility[layer].addmm_(its.T, fired[layer])
        sent = [None, *(its * (1 + g).rsqrt() for its, g in zip(fired, good, strict=False))]
        for layer, potential in enumerate(v):
            below = sent[layer]
            potential.add_(drive[step] if below is None else below @ forward[layer])
            potential.sub_(fired[layer])
            counts[layer].add_(fired[layer])
            if eligible:
                trace[layer].add_(raster[step] if below is None else below)
        good = [its.square().mean(1, keepdim=True) for its in counts[:-1]]
    return Seen(
        counts,
        torch.stack([its.square().mean(1) for its in counts]),
        eligibility,
        [torch.stack(its) for its in kept] if keep else [],
    )


def learn(
    p: Parameters, weights: Weights, raster: Tensor, sign: Tensor, gain: Tensor, label: Tensor
) -> None:
    """Present cases one after another and change the weights after each, in place.

    Parameters
    ----------
    p
        Parameters of the model.
    weights
        What is learnt.
    raster
        Spikes of the inputs (steps, cases, inputs).
    sign
        1 awake, -1 asleep (cases,).
    gain
        Factor of the rate (cases,).
    label
        Which label input was on (cases,).
    """
    for case in range(raster.shape[1]):
        shown = raster[:, case : case + 1]
        seen = present(p, weights.forward, shown, eligible=True)
        s = float(sign[case])
        for layer, weight in enumerate(weights.forward):
            gate = s * torch.sigmoid(s * (p.threshold - seen.goodness[layer, 0]) / p.temperature)
            weight.add_(seen.eligibility[layer], alpha=float(p.rate * gain[case] * gate))
            weight.clamp_(-p.bound, p.bound)
        if s > 0 and weights.down:
            _learn_down(p, weights, shown, seen, int(label[case]))


def scaled(counts: Tensor) -> Tensor:
    """Return counts (cases, neurons) as they act above and below: divided by sqrt(1 + G)."""
    return counts * (1 + counts.square().mean(1, keepdim=True)).rsqrt()


def input_activity(p: Parameters, raster: Tensor) -> Tensor:
    """Return spikes of inputs (steps, cases, inputs) as the intensity they stand for."""
    return raster.sum(0) / (p.steps * p.pixel_rate * p.dt)


def _learn_down(p: Parameters, weights: Weights, raster: Tensor, seen: Seen, label: int) -> None:
    """Learn to predict each layer's activity, and that of the inputs, from the one above."""
    below = [input_activity(p, raster), *(scaled(its) for its in seen.counts)]
    for layer, (down, bias) in enumerate(zip(weights.down, weights.bias, strict=True)):
        above = below[layer + 1][0]
        error = below[layer][0] - (above @ down + bias)
        step = p.top_down_rate / (1 + above.square().sum())
        down.add_(step * torch.outer(above, error))
        bias.add_(step * error)
    assert weights.memory is not None  # it goes with the maps
    weights.memory[label].lerp_(below[-1][0], p.memory_rate)
