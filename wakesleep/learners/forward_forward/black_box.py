"""Black boxes between layers, which do not change the layers' learning rule.

Hinton 2022 (arXiv 2212.13345), section 7. Backpropagation needs a model of the computation between
two layers; Forward-Forward does not. A box may even learn, slowly, while the layers learn fast:
noise is added to its output, and the noise times the change of the cost on real data gives the
direction of the update (activity perturbation).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

LEVELS = 3  # of a quantised activity
SPIKES = 4.0  # mean number that a unit of root mean square activity fires


@dataclass
class Box:
    """A function from a layer's normalised activity to the input of the next layer.

    Attributes
    ----------
    kind
        ``quantised``: rounded to a few levels (deterministic, without a slope). ``random``: a fixed
        random matrix, then a hard threshold. ``stochastic``: counts of spikes, drawn afresh at
        every pass (Poisson). ``learning``: a linear map that starts random and learns by activity
        perturbation.
    weight
        (units, units) of a random or learning box; empty otherwise.
    """

    kind: str
    weight: Tensor

    def __call__(
        self, x: Tensor, generator: torch.Generator, noise: Tensor | None = None
    ) -> Tensor:
        """Return the output (n, units) for normalised activity (n, units).

        Parameters
        ----------
        x
            Normalised activity below.
        generator
            Random stream of a stochastic box.
        noise
            Noise that is added to the output of a learning box (n, units).
        """
        if self.kind == "quantised":
            return x.clamp(0, LEVELS).round()
        if self.kind == "random":
            return ((x @ self.weight.T) > 0).to(x.dtype)
        if self.kind == "stochastic":
            return torch.poisson(SPIKES * x.clamp_min(0), generator=generator)
        out = x @ self.weight.T
        return torch.relu(out if noise is None else out + noise)


def boxes(kind: str, widths: Sequence[int], generator: torch.Generator, like: Tensor) -> list[Box]:
    """Return a box above each layer but the last; none for kind ``none``."""
    if kind == "none":
        return []
    made = []
    for width in widths[:-1]:
        weight = like.new_zeros(0)
        if kind in ("random", "learning"):
            size = (width, width)
            drawn = torch.randn(size, generator=generator, dtype=like.dtype, device=like.device)
            weight = drawn / math.sqrt(width)
        made.append(Box(kind, weight))
    return made


def perturb(
    made: Sequence[Box],
    inputs: Sequence[Tensor],
    cost: Callable[[list[Tensor] | None], Tensor],
    size: float,
    rate: float,
    generator: torch.Generator,
) -> None:
    """Let all boxes take one step of activity perturbation (section 7), in place.

    Parameters
    ----------
    made
        Learning boxes.
    inputs
        Inputs of each box (n, units) in a pass over real cases.
    cost
        Noise added to each box's output, or None -> the cost of each case (n,).
    size
        Standard deviation of the noise.
    rate
        Learning rate.
    generator
        Random stream.
    """
    noise = [
        size * torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        for x in inputs
    ]
    # One noise for all boxes at once: each correlates with its own part of the change alone.
    change = (cost(noise) - cost(None)).unsqueeze(1) / size**2
    for box, x, its in zip(made, inputs, noise, strict=True):
        box.weight -= rate * (change * its).T @ x / len(x)
