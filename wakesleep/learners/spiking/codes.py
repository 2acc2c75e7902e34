"""How images and labels become spikes, for every simulator.

Spikes of the inputs are made here and nowhere else. Random ones are drawn block by block; Brian2's
run-time modes take smaller blocks, so that with code ``poisson`` theirs are other draws.
"""

from __future__ import annotations

import torch
from torch import Tensor

from wakesleep.learners.spiking.parameters import Parameters


def image_spikes(p: Parameters, images: Tensor, generator: torch.Generator) -> Tensor:
    """Return spikes (steps, cases, pixels), 0 or 1, of images (cases, pixels) in [0, 1].

    If there are off cells (excited by darkness), they come after those excited by light.
    """
    if p.off_cells:
        images = torch.cat((images, 1 - images), dim=1)
    if p.code == "latency":
        # The brightest fires first; nothing is left for the faintest.
        when = ((1 - images) / (1 - p.faintest) * (p.window_steps - 1)).round()
        return _volleys(p, torch.where(images > p.faintest, when, -1.0))
    return _spikes(p, images * (p.pixel_rate * p.dt), generator)


def label_spikes(p: Parameters, count: int, like: Tensor, generator: torch.Generator) -> Tensor:
    """Return spikes (steps, count) of the inputs that name a label, one for each case."""
    if p.code == "latency":
        return _volleys(p, like.new_full((count,), round(p.label_time / p.dt)))
    return _spikes(p, like.new_full((count,), p.label_rate * p.dt), generator)


def spontaneous_spikes(p: Parameters, shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Return random spikes of the inputs (booleans of that shape), as they come asleep."""
    drawn = torch.rand(shape, generator=generator, device=generator.device)
    return drawn < p.spontaneous * p.dt / 1000


def _spikes(p: Parameters, chance: Tensor, generator: torch.Generator) -> Tensor:
    """Return spikes (steps, *shape) of inputs with these mean numbers of spikes a step."""
    if p.code == "poisson":
        shape = (p.steps, *chance.shape)
        drawn = torch.rand(shape, generator=generator, dtype=chance.dtype, device=chance.device)
        return (drawn < chance).to(chance.dtype)
    # Perfect integration: as many spikes after k steps as whole numbers below k times the rate.
    step = torch.arange(p.steps + 1, dtype=torch.float64, device=chance.device)
    so_far = torch.outer(step, chance.double().reshape(-1))
    count = (so_far - 1e-9).ceil().sub(1).clamp_min(0)
    return count.diff(dim=0).to(chance.dtype).view(p.steps, *chance.shape)


def _volleys(p: Parameters, when: Tensor) -> Tensor:
    """Return one spike a cycle (steps, *shape) at each given step; none where that is negative."""
    step = torch.arange(p.steps, device=when.device).view(-1, *[1] * when.dim())
    return (step % p.cycle_steps == when).to(when.dtype)
