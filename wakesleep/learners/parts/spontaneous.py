"""Spontaneous activity of a stack of dense layers, and the Hebbian changes that it causes.

Tadros et al. 2022 (Nature Communications 13, 7742), sleep replay consolidation. Rectified units
become integrate-and-fire units: the potential of a layer is

    v <- (1 - leak) v + scale W s

with the spikes s of the layer below; a unit with v >= threshold fires, and starts again from 0.
A weight from j to i changes when i fires: by + gain sigmoid(w) if j fires in the same step, by
- loss sigmoid(w) if it does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

TINY = 1e-12


class SpontaneousActivity:
    """A stack of layers that fires without any case at its input.

    Parameters
    ----------
    weights
        Of each layer (units, inputs), the lowest first; changed in place.
    brightness
        Mean image (features,); inputs fire in proportion to it.
    thresholds
        Potential at which the units of each layer fire.
    gain, loss, leak, rate
        See :class:`wakesleep.protocols.spontaneous.Spontaneous`.
    """

    def __init__(
        self,
        weights: Sequence[Tensor],
        brightness: Tensor,
        thresholds: Sequence[float],
        gain: float,
        loss: float,
        leak: float,
        rate: float,
    ) -> None:
        self.weights, self.thresholds = list(weights), list(thresholds)
        self.gain, self.loss, self.leak = gain, loss, leak
        bright = brightness / brightness.max().clamp_min(TINY)
        self.chances = rate * bright
        self.scales = scales(self.weights, bright)
        self.potentials = [its.new_zeros(len(its)) for its in self.weights]

    def go_on(self, steps: int, generator: torch.Generator) -> None:
        """Let so many steps pass."""
        for _ in range(steps):
            drawn = torch.rand(
                self.chances.shape,
                generator=generator,
                dtype=self.chances.dtype,
                device=self.chances.device,
            )
            fires = (drawn < self.chances).to(self.chances.dtype)
            for layer, weight in enumerate(self.weights):
                potential = self.potentials[layer]
                potential.mul_(1 - self.leak).add_(self.scales[layer] * (weight @ fires))
                above = potential >= self.thresholds[layer]
                potential[above] = 0.0
                its = weight[above]
                weight[above] = its + its.sigmoid() * (self.gain * fires - self.loss * (1 - fires))
                fires = above.to(fires.dtype)

    def state_dict(self) -> dict[str, Any]:
        """Return the state for resuming an interrupted phase; weights belong to the learner."""
        return {"potentials": self.potentials, "scales": self.scales, "chances": self.chances}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` returned."""
        self.potentials, self.scales = state["potentials"], state["scales"]
        self.chances = state["chances"]


def scales(weights: Sequence[Tensor], bright: Tensor) -> list[float]:
    """Return what each layer's total input is multiplied by.

    With it the most strongly driven unit of each layer has a total input of 1, where the layer
    below is as active as rectified units are when they see the mean image (as weights are
    normalised in Diehl et al. 2015, IJCNN, section III).
    """
    found, y = [], bright
    for weight in weights:
        total = (weight @ y).clamp_min(0)
        found.append(1 / max(float(total.max()), TINY))
        y = total * found[-1]
    return found
