"""How a local gradient becomes a change of weights: momentum (averaging form) or Adam.

A gradient, summed over cases, comes as a product that has not been computed yet (see
:mod:`wakesleep.learners.parts.connections`). Momentum is then part of the product itself, which
saves two passes over the weights. A stored baseline (a fixed gradient) may be added.

The objective is *raised*. Every rule changes its tensors in place and holds its state in a plain
dictionary of tensors, made by ``start``. Decay is apart, in :func:`fade`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from wakesleep.learners.parts.connections import Gradient, Product

State = dict[str, Tensor]
# Factor of the learning rate at a step; a tensor () where steps are captured for a GPU.
Gain = float | Tensor

# A weight and its velocity are changed a part after the other, so that both stay in a processor's
# cache from the first operation to the last: one pass over memory instead of three.
CACHE_NUMBERS = 2**17
LEAST_NUMBERS = 2**19  # smaller weights stay in the cache anyway


@dataclass(frozen=True)
class Momentum:
    """v <- mu v + (1 - mu) gradient;  W <- W + gain rate (v - decay W).

    The averaging form: v is a running mean of gradients, so that the rate of learning does not
    depend on mu. v averages over about 1/(1 - mu) updates.
    """

    rate: float
    momentum: float
    decay: float

    def start(self, weight: Tensor) -> State:
        """Return the state before the first update."""
        return {"velocity": torch.zeros_like(weight)}

    def update(
        self,
        weight: Tensor,
        state: State,
        gradient: Gradient,
        cases: int,
        gain: Gain,
        baseline: Tensor | None = None,
        fades: bool = False,
    ) -> None:
        """Let ``weight`` decay if it is to, and change it along gradient / cases + baseline."""
        velocity = state["velocity"]
        for some, its in _in_cache(gradient, weight):
            now = velocity[some]
            its(now, self.momentum, (1 - self.momentum) / cases)
            part = weight[some]
            if fades:
                fade(part, self, gain)
            self._move(part, now, gain, None if baseline is None else baseline[some])

    def update_bias(
        self,
        bias: Tensor,
        state: State,
        left: Tensor,
        cases: int,
        gain: Gain,
        baseline: Tensor | None = None,
    ) -> None:
        """Change ``bias`` (units,) by one step."""
        velocity = state["velocity"]
        velocity.mul_(self.momentum).add_(left.sum(0), alpha=(1 - self.momentum) / cases)
        self._move(bias, velocity, gain, baseline)

    def _move(self, weight: Tensor, velocity: Tensor, gain: Gain, baseline: Tensor | None) -> None:
        if baseline is not None:
            velocity.add_(baseline, alpha=1 - self.momentum)
        raise_by(weight, velocity, gain, self.rate)

    def with_momentum(self, momentum: float) -> Momentum:
        """Return the same rule with another weight of the past."""
        return replace(self, momentum=momentum)


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba 2015, algorithm 1), its decay apart from the averages (as in AdamW)."""

    rate: float
    beta1: float
    beta2: float
    epsilon: float
    decay: float

    def start(self, weight: Tensor) -> State:
        """Return the state before the first update."""
        return {
            "mean": torch.zeros_like(weight),
            "square": torch.zeros_like(weight),
            "updates": torch.zeros((), dtype=torch.float64),
        }

    def update(
        self,
        weight: Tensor,
        state: State,
        gradient: Gradient,
        cases: int,
        gain: Gain,
        baseline: Tensor | None = None,
        fades: bool = False,
    ) -> None:
        """Let ``weight`` decay if it is to, and change it along gradient / cases + baseline."""
        if fades:
            fade(weight, self, gain)
        now = torch.empty_like(weight)
        gradient(now, 0.0, 1 / cases)
        self._move(weight, state, now, gain, baseline)

    def update_bias(
        self,
        bias: Tensor,
        state: State,
        left: Tensor,
        cases: int,
        gain: Gain,
        baseline: Tensor | None = None,
    ) -> None:
        """Change ``bias`` (units,) by one step."""
        self._move(bias, state, left.sum(0) / cases, gain, baseline)

    def with_momentum(self, momentum: float) -> Adam:
        """Return the same rule with another weight of the past in the mean gradient."""
        return replace(self, beta1=momentum)

    def _move(
        self, weight: Tensor, state: State, gradient: Tensor, gain: Gain, baseline: Tensor | None
    ) -> None:
        if baseline is not None:
            gradient = gradient + baseline
        state["updates"] += 1
        updates = float(state["updates"])
        state["mean"].lerp_(gradient, 1 - self.beta1)
        state["square"].mul_(self.beta2).addcmul_(gradient, gradient, value=1 - self.beta2)
        size = (state["square"] / (1 - self.beta2**updates)).sqrt_().add_(self.epsilon)
        rate = float(gain) * self.rate / (1 - self.beta1**updates)
        weight.addcdiv_(state["mean"], size, value=rate)


Plasticity = Momentum | Adam


def _in_cache(gradient: Gradient, weight: Tensor) -> Iterable[tuple[slice, Gradient]]:
    """Return a gradient in parts that fit a processor's cache, and which units each is of."""
    if (
        not isinstance(gradient, Product)
        or weight.device.type != "cpu"
        or weight.numel() < LEAST_NUMBERS
    ):
        return [(slice(None), gradient)]
    return gradient.blocks(max(1, CACHE_NUMBERS // weight.shape[1]))


def raise_by(weight: Tensor, direction: Tensor, gain: Gain, rate: float) -> None:
    """Change a weight along a direction by gain times rate, in place."""
    if isinstance(gain, Tensor):
        weight.addcmul_(direction, gain, value=rate)
    else:
        weight.add_(direction, alpha=gain * rate)


def fade(weight: Tensor, plasticity: Plasticity, gain: Gain) -> None:
    """Let weights decay, once a step however many updates it has; biases do not decay."""
    if not plasticity.decay:
        return
    if isinstance(gain, Tensor):
        weight.addcmul_(weight, gain, value=-plasticity.rate * plasticity.decay)
    else:
        weight.mul_(1 - gain * plasticity.rate * plasticity.decay)
