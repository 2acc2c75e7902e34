"""How a machine generates states: contrastive divergence, chains, annealing.

Every function takes a machine (its connections) and its parameters ``theta``, and returns rows
whose statistics estimate the machine's expectations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from wakesleep.errors import InputError

Theta = dict[str, Tensor]


def gibbs(
    machine: Any,
    theta: Theta,
    rows: Any,
    sweeps: int,
    generator: torch.Generator,
    held: Tensor | None = None,
) -> Any:
    """Return chains after so many Gibbs sweeps; ``held`` units stay as they are."""
    for _ in range(sweeps):
        rows = machine.sweep(theta, rows, generator, held)
    return rows


def held_units(units: Sequence[int], count: int) -> Tensor:
    """Return booleans (count,) for units that are held.

    Raises
    ------
    InputError
        If there is no such unit.
    """
    for unit in units:
        if not 0 <= unit < count:
            raise InputError(
                f"clamp: there is no unit {unit}; the visible units are 0 to {count - 1}"
            )
    held = torch.zeros(count, dtype=torch.bool)
    held[list(units)] = True
    return held


def anneal(
    machine: Any,
    theta: Theta,
    rows: Any,
    schedule: Sequence[tuple[int, float]],
    generator: torch.Generator,
    held: Tensor | None = None,
) -> Any:
    """Return chains after a schedule of (sweeps, temperature).

    Ackley, Hinton & Sejnowski 1985, section 3.

    Raises
    ------
    InputError
        If a temperature is not above 0.
    """
    for sweeps, temperature in schedule:
        if not temperature > 0:
            raise InputError(f"schedule: a temperature must be above 0, not {temperature:g}")
        rows = gibbs(
            machine, machine.tempered(theta, 1 / temperature), rows, sweeps, generator, held
        )
    return rows


def temper(
    machine: Any,
    theta: Theta,
    replicas: list[Any],
    temperatures: Sequence[float],
    generator: torch.Generator,
) -> list[Any]:
    """Return chains at several temperatures after one sweep each and one round of swaps.

    Parallel tempering (Swendsen & Wang 1986; for learning, Desjardins et al. 2010). Neighbouring
    temperatures exchange states with the Metropolis probability, the even pairs first.

    Parameters
    ----------
    machine, theta
        Machine and parameters, at temperature 1.
    replicas
        Chains at each temperature, equally many.
    temperatures
        Their temperatures.
    generator
        Random stream.
    """
    thetas = [machine.tempered(theta, 1 / temperature) for temperature in temperatures]
    replicas = [
        machine.sweep(its, rows, generator) for its, rows in zip(thetas, replicas, strict=True)
    ]
    for first in (0, 1):
        for low in range(first, len(replicas) - 1, 2):
            high = low + 1
            one, other = replicas[low], replicas[high]
            gain = (
                machine.log_weight(thetas[low], other)
                + machine.log_weight(thetas[high], one)
                - machine.log_weight(thetas[low], one)
                - machine.log_weight(thetas[high], other)
            )
            draw = torch.rand(gain.shape, generator=generator, dtype=gain.dtype, device=gain.device)
            swap = draw.log() < gain
            replicas[low] = machine.mixed(thetas[low], swap, other, one)
            replicas[high] = machine.mixed(thetas[high], swap, one, other)
    return replicas
