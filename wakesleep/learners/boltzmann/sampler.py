"""Sampling of a machine's states: awake with data on its visible units, and asleep without."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wakesleep.errors import InputError
from wakesleep.learners.boltzmann import exact, sampling
from wakesleep.learners.boltzmann.layout import bits
from wakesleep.learners.boltzmann.parameters import Parameters
from wakesleep.learners.parts.replay import kept

Theta = dict[str, Tensor]
COMPLETION_SWEEPS = 50  # before states count, and as many while they do, where nothing is annealed


class Sampler:
    """The chains of a machine, and how its parameters use them.

    Parameters
    ----------
    machine
        What is connected: :class:`Restricted`, :class:`General` or :class:`Deep`.
    parameters
        ``sampler`` and what belongs to it.
    theta
        The machine's parameters at the start.
    generator
        Random stream of the chains' start.

    Raises
    ------
    InputError
        If a unit that must stay clamped is not a visible unit, or is only a part of the label.

    Attributes
    ----------
    held
        Which visible units stay clamped asleep (booleans); None for none.
    chains
        State of persistent chains; None where there are none.
    replicas
        States of tempered chains, the coldest first; empty where there are none.
    """

    def __init__(
        self, machine: Any, parameters: Parameters, theta: Theta, generator: torch.Generator
    ) -> None:
        self.machine, self.parameters = machine, parameters
        self.held: Tensor | None = None
        if parameters.clamped_asleep:
            held = sampling.held_units(parameters.clamped_asleep, machine.layout.visible)
            group = held[machine.layout.pixels :]
            if bool(group.any()) and not bool(group.all()):
                raise InputError("clamped_asleep: of the label units all are named, or none")
            self.held = held.to(generator.device)
        self.chains: Any = None
        self.replicas: list[Any] = []
        count = parameters.chains
        if parameters.sampler == "persistent":
            self.chains = machine.random(theta, count, generator)
        elif parameters.sampler == "tempering":
            self.replicas = [
                machine.random(theta, count, generator) for _ in parameters.temperatures
            ]

    @property
    def coldest(self) -> Any:
        """The chains at the machine's own temperature; None where there are none."""
        return self.replicas[0] if self.replicas else self.chains

    def acting(self, theta: Theta) -> Theta:
        """Return parameters as they act at the machine's temperature."""
        if self.parameters.temperature == 1.0:
            return theta
        return dict(self.machine.tempered(theta, 1 / self.parameters.temperature))

    def awake(self, theta: Theta, visible: Tensor, generator: torch.Generator) -> Any:
        """Return rows with these visible units (n, visible), the hidden ones as they settle."""
        p, machine = self.parameters, self.machine
        if p.sampler == "exact":
            return exact.clamped(machine, self.acting(theta), visible)
        if p.sampler == "annealed":
            visible = self._noisy(visible, generator)
            if p.hidden:
                rows = machine.random(theta, len(visible), generator)
                rows.visible[:, : machine.layout.visible] = visible
                held = torch.ones(visible.shape[1], dtype=torch.bool, device=visible.device)
                return self._annealed(theta, rows, generator, held)
        return machine.clamped(self.acting(theta), visible, generator)

    def asleep(
        self, theta: Theta, visible: Tensor, generator: torch.Generator, *, keep: bool
    ) -> Any:
        """Return rows that the machine generates itself.

        Parameters
        ----------
        theta
            The machine's parameters.
        visible
            Real cases (n, visible): the start of contrastive divergence; for annealing only their
            number matters.
        generator
            Random stream.
        keep
            Whether the chains continue from these states the next time.
        """
        p, machine, acting = self.parameters, self.machine, self.acting(theta)
        if p.sampler == "exact":
            return exact.model(machine, acting)
        if p.sampler == "annealed":
            rows = machine.random(theta, len(visible), generator)
            if self.held is not None:
                visible = self._noisy(visible, generator)
                rows.visible[:, : visible.shape[1]][:, self.held] = visible[:, self.held]
            return self._annealed(theta, rows, generator, self.held)
        if p.sampler == "tempering":
            replicas = self.replicas
            for _ in range(p.sweeps):
                replicas = sampling.temper(machine, acting, replicas, p.temperatures, generator)
            if keep:
                self.replicas = replicas
            return replicas[0]
        rows = self.chains
        if p.sampler == "cd":
            rows = machine.as_states(machine.clamped(acting, visible, generator), generator)
        rows = sampling.gibbs(machine, acting, rows, p.sweeps, generator, self.held)
        if keep and p.sampler == "persistent":
            self.chains = _kept(self.chains, rows)
        return rows

    def completed(
        self, theta: Theta, visible: Tensor, held: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return how often visible units (n, visible) are on while some of them are held."""
        machine, acting = self.machine, self.acting(theta)
        rows = machine.random(theta, len(visible), generator)
        rows.visible[:, : visible.shape[1]][:, held] = visible[:, held]
        rows = machine.refreshed(acting, rows)
        if self.parameters.sampler == "annealed":
            rows = self._annealed(theta, rows, generator, held)
        else:
            rows = sampling.gibbs(machine, acting, rows, COMPLETION_SWEEPS, generator, held)
            parts = []
            for _ in range(COMPLETION_SWEEPS):
                rows = machine.sweep(acting, rows, generator, held)
                parts.append(rows)
            rows = machine.joined(parts)
        states: Tensor = rows.visible[:, : machine.layout.visible]
        return states.view(-1, len(visible), states.shape[1]).mean(0)

    def _noisy(self, visible: Tensor, generator: torch.Generator) -> Tensor:
        """Return visible units of which some pixels are clamped wrongly."""
        on, off = self.parameters.noise
        pixels = self.machine.layout.pixels
        images = visible[:, :pixels]
        images = (images - bits(off + (on - off) * images, generator)).abs()
        return torch.cat([images, visible[:, pixels:]], dim=1)

    def _annealed(
        self, theta: Theta, rows: Any, generator: torch.Generator, held: Tensor | None
    ) -> Any:
        """Cool chains down and collect their states at the last temperature."""
        schedule = [(stage.sweeps, stage.temperature) for stage in self.parameters.schedule]
        rows = sampling.anneal(self.machine, theta, rows, schedule, generator, held)
        last = self.machine.tempered(theta, 1 / schedule[-1][1])
        collected = []
        for _ in range(self.parameters.collect):
            rows = self.machine.sweep(last, rows, generator, held)
            collected.append(rows)
        return self.machine.joined(collected)

    def visible(self, rows: Any, count: int, generator: torch.Generator) -> Tensor:
        """Return so many binary states of the visible units (count, visible) from rows."""
        layout = self.machine.layout
        visible: Tensor = rows.visible[:, : layout.visible]
        weight = getattr(rows, "weight", None)
        if weight is None:
            # The last rows are those that have settled longest.
            return visible[torch.arange(-count, 0, device=visible.device) % len(visible)]
        drawn = torch.multinomial(weight, count, replacement=True, generator=generator)
        return layout.drawn(visible[drawn], generator)

    def state_dict(self) -> dict[str, Any]:
        """Return the states of all chains."""
        return {
            "chains": None if self.chains is None else vars(self.chains),
            "replicas": [vars(rows) for rows in self.replicas],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` returned."""
        if state["chains"] is not None:
            self.chains = type(self.chains)(**state["chains"])
        self.replicas = [
            type(mine)(**its) for mine, its in zip(self.replicas, state["replicas"], strict=True)
        ]


def _kept(old: Any, new: Any) -> Any:
    """Return chains to be gone on with; see :func:`wakesleep.learners.parts.replay.kept`."""
    its = {
        name: kept(getattr(old, name), value) if isinstance(value, Tensor) else value
        for name, value in vars(new).items()
    }
    return type(new)(**its)
