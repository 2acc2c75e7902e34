"""One Forward-Forward layer: its pass, its probability of being real, its local update (eq. 3)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from wakesleep.learners.chunks import Chunk
from wakesleep.learners.forward_forward.activation import Activation
from wakesleep.learners.forward_forward.goodness import Goodness
from wakesleep.learners.parts.averaging import Mean, whole_gradient
from wakesleep.learners.parts.connections import Connection
from wakesleep.learners.parts.hardware import Devices
from wakesleep.learners.parts.plasticity import Gain, Plasticity, State
from wakesleep.learners.parts.states import check_shapes


@dataclass(frozen=True)
class Pieces:
    """The interchangeable parts that all layers of a network share.

    Attributes
    ----------
    threshold
        Threshold per unit; the goodness turns it into theta of eq. 1.
    temperature
        T of eq. 1.
    peer
        Strength lambda of peer normalisation (footnote 9); 0 switches it off.
    peer_momentum
        Weight of the past in the running mean of each unit's activity.
    skip_below
        Cases whose 1 - p(right) is not above this change no weight.
    mean
        Turns a tensor in place into its mean over the processes that share every batch; None where
        one process has all cases.
    """

    activation: Activation
    goodness: Goodness
    plasticity: Plasticity
    threshold: float
    temperature: float
    peer: float
    peer_momentum: float
    skip_below: float = 0.0
    mean: Mean | None = None

    def case_mean(self, its: Tensor) -> Tensor:
        """Return the mean (n,) over all cases of the batch, of which these are some (cases, n)."""
        mean = its.mean(0)
        return mean if self.mean is None else self.mean(mean)


@dataclass
class Layer:
    """The tensors of one layer.

    Attributes
    ----------
    connection
        Which inputs each unit sees.
    blocks
        Equal blocks of units of which each takes its own decision (section 6.3).
    weight
        As the connection has it: (units, inputs) where that is dense.
    bias
        (units,).
    peer_mean
        Running mean of each unit's activity on real data (units,).
    states
        Optimiser states, by state name ("shared", or "positive" and "negative"), then by
        tensor ("weight", "bias").
    baseline
        The stored baseline, by tensor ("weight", "bias"): the mean gradient of negative updates
        that waking subtracts. Empty until sleep has measured one.
    measured
        The baseline that sleep is measuring; waking takes it over.
    adapted
        By how much each unit's threshold has risen awake ("bias"); empty without adaptation.
    slow
        The slow part of the tensors ("weight", "bias"); empty without fast weights.
    devices
        The analog devices below the layer; None where it is computed exactly.
    conductances
        Theirs, by :meth:`wakesleep.learners.parts.hardware.Devices.programmed`.
    """

    connection: Connection
    blocks: int
    weight: Tensor
    bias: Tensor
    peer_mean: Tensor
    states: dict[str, dict[str, State]] = field(default_factory=dict)
    baseline: dict[str, Tensor] = field(default_factory=dict)
    measured: dict[str, Tensor] = field(default_factory=dict)
    adapted: dict[str, Tensor] = field(default_factory=dict)
    slow: dict[str, Tensor] = field(default_factory=dict)
    devices: Devices | None = None
    conductances: dict[str, Tensor] = field(default_factory=dict)

    @property
    def units(self) -> int:
        """Number of units."""
        return self.connection.units

    def state(self) -> dict[str, Any]:
        """Return all that changes as the layer learns."""
        fixed = ("connection", "blocks", "devices")
        return {name: its for name, its in vars(self).items() if name not in fixed}


def theta(layer: Layer, pieces: Pieces) -> float:
    """Return theta of eq. 1 for a layer: the sum over its blocks."""
    return layer.blocks * pieces.goodness.threshold(pieces.threshold, layer.units // layer.blocks)


def block_goodness(layer: Layer, y: Tensor, pieces: Pieces) -> Tensor:
    """Return the goodness (cases, blocks) of each block for activities (cases, units)."""
    return pieces.goodness.value(y.view(len(y), layer.blocks, -1))


def log_odds(layer: Layer, goodness: Tensor, pieces: Pieces, parts: int = 1) -> Tensor:
    """Return (G - theta) / T: the log odds of being real (eq. 1) of a layer or its equal parts."""
    return (goodness - theta(layer, pieces) / parts).div_(pieces.temperature)


def total_goodness(layers: Sequence[Layer], activities: Sequence[Tensor], pieces: Pieces) -> Tensor:
    """Return each layer's goodness (layers, cases) for its activities (cases, units)."""
    parts = zip(layers, activities, strict=True)
    return torch.stack([block_goodness(layer, y, pieces).sum(1) for layer, y in parts])


def all_log_odds(layers: Sequence[Layer], goodness: Tensor, pieces: Pieces) -> Tensor:
    """Return (G - theta)/T of eq. 1 for goodness of shape (layers, cases)."""
    parts = zip(layers, goodness, strict=True)
    return torch.stack([log_odds(layer, its, pieces) for layer, its in parts])


def thresholds(layers: Sequence[Layer], pieces: Pieces) -> Tensor:
    """Return theta of eq. 1 of each layer (layers,)."""
    return layers[0].bias.new_tensor([theta(layer, pieces) for layer in layers])


def weight_norms(layers: Sequence[Layer]) -> Tensor:
    """Return each layer's root sum of squared weights per unit (layers,)."""
    return torch.stack([layer.weight.norm() / math.sqrt(layer.units) for layer in layers])


def finite(*tensors: Tensor) -> bool:
    """Say whether all numbers of all tensors are finite."""
    return all(bool(its.isfinite().all()) for its in tensors)


def delta(
    layer: Layer,
    z: Tensor,
    y: Tensor,
    wrong: Tensor,
    sign: Tensor,
    pieces: Pieces,
    some: slice | Tensor = slice(None),
    *,
    damped: bool = False,
) -> Tensor:
    """Return half the derivative of log p(right) with respect to each unit's total input.

    p(right) is the probability of eq. 1 for real cases, and its complement for negative ones; this
    is the factor of x in eq. 3. The half cancels eq. 3's 2, as in the author's program. Every block
    of units has a p of its own.

    Parameters
    ----------
    layer
        The layer.
    z, y
        Its total inputs and activities (cases, units).
    wrong
        1 - p(right) by block (cases, blocks), from :func:`doubt`.
    sign
        1 for real cases, -1 for negative ones (cases,).
    some
        The cases for which it is computed; default all.
    damped
        Whether the activities hold a part of those before, so that a unit can be active whose
        total input is negative.
    """
    y = y[some]
    factor = (sign[some].unsqueeze(1) * wrong[some]).div_(pieces.temperature).unsqueeze(2)
    by_block = y.view(len(y), layer.blocks, layer.units // layer.blocks)  # there may be no case
    slope = pieces.goodness.half_slope(by_block)
    left = (factor * slope).view_as(y)
    if not damped and pieces.activation.slope_is_gate and pieces.goodness.flat_at_zero:
        return left  # it is 0 already where the activation's slope is
    return left.mul_(pieces.activation.slope(z[some]))


def doubt(layer: Layer, goodness: Tensor, sign: Tensor, pieces: Pieces) -> Tensor:
    """Return 1 - p(right) of each block (cases, blocks) for goodness (cases, blocks)."""
    # 1 - p would lose its digits where p is almost 1; the logistic of the negated odds does not.
    return torch.sigmoid(-sign.unsqueeze(1) * log_odds(layer, goodness, pieces, layer.blocks))


def peer_term(layer: Layer, y: Tensor, pieces: Pieces) -> Tensor:
    """Refresh the running means with real activities, and return what they add to delta (units,).

    Units that are less active than their peers are pushed up, the others down (footnote 9). The
    term is *not* gated by the activation's slope, so that dead units revive.
    """
    layer.peer_mean.lerp_(pieces.case_mean(y), 1 - pieces.peer_momentum)
    return pieces.peer * (layer.peer_mean.mean() - layer.peer_mean)


def update(
    layer: Layer,
    state_name: str,
    left: Tensor,
    right: Tensor,
    cases: int,
    pieces: Pieces,
    gain: Gain,
    baseline: float = 0.0,
    fades: bool = False,
) -> None:
    """Move the layer's weights and biases along left' right / cases, its local gradient.

    Parameters
    ----------
    left
        Deltas (rows, units).
    right
        Normalised inputs (rows, inputs).
    cases
        What the sum over rows is divided by.
    gain
        Factor of the learning rate at this step (a cooling schedule).
    baseline
        Times the stored baseline that is added to the gradient.
    fades
        Whether weights decay with this update: once a step.
    """
    plasticity = pieces.plasticity
    if state_name not in layer.states:
        layer.states[state_name] = {
            "weight": plasticity.start(layer.weight),
            "bias": plasticity.start(layer.bias),
        }
    state = layer.states[state_name]
    extra: dict[str, Tensor] = {}
    if baseline and layer.baseline:
        extra = {name: baseline * its for name, its in layer.baseline.items()}
    gradient, left = whole_gradient(layer.connection, left, right, pieces.mean)
    plasticity.update(
        layer.weight, state["weight"], gradient, cases, gain, extra.get("weight"), fades
    )
    layer.connection.confine(layer.weight)
    if layer.devices is not None:
        layer.devices.write(layer.weight, layer.conductances)
    plasticity.update_bias(layer.bias, state["bias"], left, cases, gain, extra.get("bias"))


def begin_chunk(layers: Sequence[Layer], pieces: Pieces, chunk: Chunk) -> Pieces:
    """Apply the settings that hold for all steps of a chunk; return the pieces for these steps."""
    for layer in layers:
        if chunk.fresh_state:
            layer.states.clear()
        if chunk.sign == "positive" and layer.measured:
            layer.baseline = {name: its.clone() for name, its in layer.measured.items()}
    if chunk.momentum is None:
        return pieces
    return replace(pieces, plasticity=pieces.plasticity.with_momentum(chunk.momentum))


def restore(layers: Sequence[Layer], states: Sequence[dict[str, Any]]) -> list[Layer]:
    """Return the layers as they were when :meth:`Layer.state` was asked for.

    Raises
    ------
    ValueError
        If the weights are those of other layers.
    """
    check_shapes((its.weight for its in layers), (its["weight"] for its in states))
    # The conductances that a new network began with are not those of weights from elsewhere.
    told = [{"conductances": {}, **state} for state in states]
    return [replace(layer, **state) for layer, state in zip(layers, told, strict=True)]


def state_rows(chunk: Chunk, cases: int, rows: int) -> dict[str, slice]:
    """Return which rows of a step move by which state of the optimiser: real cases come first."""
    if not chunk.separate_states:
        return {"shared": slice(rows)}
    if chunk.sign == "both":
        return {"positive": slice(cases), "negative": slice(cases, rows)}
    return {chunk.sign: slice(rows)}


def measure_baseline(
    layer: Layer, left: Tensor, right: Tensor, cases: int, memory: float, mean: Mean | None = None
) -> None:
    """Take a negative gradient, left' right / cases, into the baseline being measured.

    A running mean, as momentum's: ``memory`` is the weight of the past (footnote 15).
    """
    gradient, left = whole_gradient(layer.connection, left, right, mean)
    now = {"weight": torch.empty_like(layer.weight), "bias": left.sum(0) / cases}
    gradient(now["weight"], 0.0, 1 / cases)
    if layer.measured:
        for name, its in now.items():
            layer.measured[name].lerp_(its, 1 - memory)
    else:
        layer.measured = now
