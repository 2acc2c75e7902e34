"""Updates of a machine's parameters from its statistics awake and asleep."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wakesleep.learners.boltzmann.parameters import Parameters
from wakesleep.learners.chunks import Chunk
from wakesleep.learners.parts.plasticity import Gain, raise_by

Theta = dict[str, Tensor]
REMEMBERED = 0.99  # weight of the past in the mean activities that the enhanced gradient subtracts


class Ascent:
    """Steps up the log likelihood, with momentum, decay and the stored baseline.

    Parameters
    ----------
    machine
        The machine with its connections; its function ``add`` sums up statistics.
    parameters
        Rate, momentum, decay and similar settings.

    Attributes
    ----------
    velocities
        Running means of gradients: one that is ``shared``, or one for each sign.
    measured, baseline
        The baseline that the last sleep measured (footnote 15), and the one that waking subtracts.
        The first replaces the second when waking begins. None before any sleep.
    offsets
        Mean activities that the enhanced gradient subtracts.
    """

    def __init__(self, machine: Any, parameters: Parameters) -> None:
        self.machine, self.parameters = machine, parameters
        self.momentum = parameters.momentum
        self.velocities: dict[str, Theta] = {}
        self.measured: Theta | None = None
        self.baseline: Theta | None = None
        self.offsets: dict[str, Tensor] = {}

    def begin(self, chunk: Chunk) -> None:
        """Apply the settings that hold for all steps of a chunk."""
        if chunk.momentum is not None:
            self.momentum = chunk.momentum
        if chunk.fresh_state:
            self.velocities.clear()
        if chunk.sign == "positive" and self.measured is not None:
            self.baseline = {name: its.clone() for name, its in self.measured.items()}

    def look(self, rows: Any) -> None:
        """Keep mean activities up to date with real cases."""
        if not self.parameters.enhanced_gradient:
            return
        means = self.machine.means(rows)
        if not self.offsets:
            self.offsets = {name: its.clone() for name, its in means.items()}
        for name, mean in means.items():
            self.offsets[name].lerp_(mean, 1 - REMEMBERED)

    def move(
        self, theta: Theta, chunk: Chunk, parts: dict[str, tuple[Any, float]], gain: Gain
    ) -> None:
        """Change the parameters, in place.

        Parameters
        ----------
        theta
            The parameters.
        chunk
            For its sign, mode and optimiser states.
        parts
            Sign -> rows and the factor (1 or -1) of their statistics.
        gain
            Factor of the rate.
        """
        its, mu = self.parameters, self.momentum
        awake = chunk.sign == "positive"
        if chunk.sign == "negative" and (chunk.mode != "negative" or chunk.subtract_baseline):
            self._measure(theta, parts["negative"][0])
        if chunk.mode == "measure":
            return
        subtract = (awake and chunk.subtract_baseline) or chunk.mode == "centred"
        groups = {"shared": list(parts.values())}
        if chunk.separate_states:
            groups = {name: [part] for name, part in parts.items()}
        for value in theta.values():
            if its.decay and value.dim() == 2:
                value.mul_(1 - gain * its.rate * its.decay)
        for name, group in groups.items():
            if name not in self.velocities:
                self.velocities[name] = _zeros(theta)
            velocity = self.velocities[name]
            self._average(velocity, group)
            if subtract and self.baseline is not None:
                for key, stored in self.baseline.items():
                    velocity[key].add_(stored, alpha=(1 - mu) * (-1.0 if awake else 1.0))
            for key, value in theta.items():
                direction = velocity[key].sign() if its.update == "sign" else velocity[key]
                raise_by(value, direction, gain, its.rate)

    def _average(self, velocity: Theta, group: list[tuple[Any, float]]) -> None:
        """Take the statistics of rows into a running mean."""
        mu = self.momentum
        if not self.parameters.enhanced_gradient:
            # In one operation: the matrix product includes the momentum.
            self.machine.add(velocity, [(rows, its * (1 - mu)) for rows, its in group], mu)
            return
        for old in velocity.values():
            old.mul_(mu)
        for rows, factor in group:
            for key, new in self._statistics(velocity, rows).items():
                velocity[key].add_(new, alpha=factor * (1 - mu))

    def _statistics(self, like: Theta, rows: Any) -> Theta:
        """Return mean statistics of rows, less their offsets where there are any."""
        found = _zeros(like)
        self.machine.add(found, [(rows, 1.0)], 0.0)
        if self.offsets:
            self.machine.centre(found, self.offsets)
        return found

    def _measure(self, theta: Theta, rows: Any) -> None:
        """Update the stored baseline from the machine's current dreams."""
        now = self._statistics(theta, rows)
        if self.measured is None:
            self.measured = now
            return
        for key, value in self.measured.items():
            value.lerp_(now[key], 1 - self.parameters.baseline_memory)

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs."""
        return {
            "velocities": self.velocities,
            "measured": self.measured,
            "baseline": self.baseline,
            "offsets": self.offsets,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` returned."""
        for name, value in state.items():
            setattr(self, name, value)


def _zeros(like: Theta) -> Theta:
    return {name: torch.zeros_like(its) for name, its in like.items()}
